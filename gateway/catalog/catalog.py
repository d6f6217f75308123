"""
The catalog: facts of models by vendor and name, found exactly or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Self

from gateway.catalog.facts import UNKNOWN, ModelFacts
from gateway.catalog.reading import read_builtin
from gateway.usage import Usage

# OpenAI dates a snapshot -2025-08-07, Anthropic -20250929.
_SNAPSHOT = re.compile(r"-20[0-9]{2}-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12][0-9]|3[01])\Z")


class Catalog:
    """
    Facts by vendor and model.

    Args:
        facts: Later ones replace earlier ones of the same vendor and model.
    """

    __slots__ = ("_facts",)

    def __init__(self, facts: Iterable[ModelFacts] = ()) -> None:
        self._facts: Mapping[tuple[str, str], ModelFacts] = {
            (fact.provider, fact.model): fact for fact in facts
        }

    @classmethod
    def builtin(cls) -> Self:
        """
        Read the catalog that comes with the gateway.
        """
        return cls(read_builtin())

    def extended(self, facts: Iterable[ModelFacts]) -> Catalog:
        """
        Return a catalog that knows *facts* as well; they outweigh what stands here.
        """
        return Catalog([*self._facts.values(), *facts])

    def __len__(self) -> int:
        return len(self._facts)

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

    def cost_nano(self, provider: str, model: str, usage: Usage) -> int | None:
        """
        Price *usage* of *model* in nano-USD; None if no price is known.
        """
        facts = self.find(provider, model)
        return None if facts is None else facts.cost_nano(usage)

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
