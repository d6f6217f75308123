"""
The catalog: facts of models by vendor and name, found exactly or not at all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Self

import attrs

from gateway import codec
from gateway.catalog.facts import UNKNOWN, ModelFacts
from gateway.catalog.reading import read_builtin
from gateway.usage import Usage

# OpenAI dates a snapshot -2025-08-07, Anthropic -20250929.
_SNAPSHOT = re.compile(r"-20[0-9]{2}-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12][0-9]|3[01])\Z")


class Catalog:
    """
    Facts by vendor and model.

    Args:
        facts: Later ones outweigh earlier ones of the same vendor and model.
    """

    def __init__(self, facts: Iterable[ModelFacts] = ()) -> None:
        self._facts: dict[tuple[str, str], ModelFacts] = {}
        for fact in facts:
            older = self.find(fact.provider, fact.model)
            known = fact if older is None else fact.over(older)
            self._facts[fact.provider, fact.model] = known

    @classmethod
    def builtin(cls) -> Self:
        """
        Read the catalog that comes with the gateway.
        """
        return cls(read_builtin())

    def extended(self, facts: Iterable[ModelFacts]) -> Catalog:
        """
        Return a catalog that knows *facts* as well.

        They outweigh what stands here; what they do not say of a model (or of a dated
        snapshot of it) stays, see `ModelFacts.over`.
        """
        return Catalog([*self._facts.values(), *facts])

    def __iter__(self) -> Iterator[ModelFacts]:
        return iter(self._facts.values())

    def __len__(self) -> int:
        return len(self._facts)

    @cached_property
    def version(self) -> str:
        """
        A hash over all facts: two catalogs of one version price everything alike.
        """
        facts = [_plain(self._facts[name]) for name in sorted(self._facts)]
        return hashlib.sha256(codec.dumps(facts)).hexdigest()[:16]

    def find(self, provider: str, model: str) -> ModelFacts | None:
        """
        Find the facts of *model* at the vendor *provider*.

        A dated snapshot that is not listed has the facts of the name without its date;
        nothing else is tried.
        """
        found = self._facts.get((provider, model))
        if found is None and _SNAPSHOT.search(model):
            found = self._facts.get((provider, _SNAPSHOT.sub("", model)))
        return found

    def limits(self, provider: str, model: str) -> ModelFacts:
        """
        Return the facts of *model*, or facts that know nothing.
        """
        return self.find(provider, model) or UNKNOWN

    def cost_nano(
        self,
        provider: str,
        model: str,
        usage: Usage,
        *,
        at: float,
        asked: str | None = None,
    ) -> int | None:
        """
        Price *usage* of *model* in nano-USD; None if no price is known.

        Args:
            at: When the request was made, in Unix seconds.
            asked: The service tier that it asked for.
        """
        return self.limits(provider, model).cost_nano(usage, at=at, asked=asked)

    def providers_of(self, model: str) -> tuple[str, ...]:
        """
        List the vendors at which *model* is known by that name, sorted.
        """
        vendors = {vendor for vendor, _ in self._facts}
        return tuple(sorted(name for name in vendors if self.find(name, model)))

    def models_of(self, provider: str) -> tuple[str, ...]:
        """
        List the models known at the vendor *provider*, in the catalog's order.
        """
        return tuple(model for vendor, model in self._facts if vendor == provider)

    def unpriced(self, at: float) -> tuple[tuple[str, str], ...]:
        """
        List vendor and model of what has no price at *at*, in the catalog's order.
        """
        return tuple(
            name for name, facts in self._facts.items() if facts.tariff_at(at) is None
        )


def _plain(value: Any) -> Any:
    """
    Write *value* as JSON values whose order does not depend on how it was made.

    Where facts come from does not change what they say, so *source* is left out.
    """
    if attrs.has(value.__class__):
        return {
            field.name: _plain(getattr(value, field.name))
            for field in attrs.fields(value.__class__)
            if field.eq and field.name != "source"
        }
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(member) for member in value]
    return str(value) if hasattr(value, "isoformat") else value
