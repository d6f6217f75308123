"""
The price that holds for a key at a target: the catalog's, an override of it, or a policy.

Of the overrides that match, one holds.  The most specific wins: one for the key before one for
all, then one for the provider before one for any, then the pattern that says more of the model's
name (the whole name before any pattern); of two that say as much, the one that changed last, then
the one whose id comes first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date
from typing import Final, Literal

import attrs

from gateway import codec
from gateway.catalog import Catalog, Price, Rates, Tariff
from gateway_governance.entities import ANY, PricingOverride
from gateway_governance.overriding import Change, overridden, read_changes

#: Prices that are remembered, and the longest name of a model for which one is.
KEPT: Final = 8_192
LONGEST_NAME: Final = 256

_SECONDS_PER_DAY: Final = 86_400
_ALWAYS: Final = date(1970, 1, 1)


@attrs.frozen(kw_only=True)
class Ceiling:
    """
    What models without a price are held and charged at, in pico-USD per token.
    """

    input_pico: int
    output_pico: int


#: What becomes of a model without a price; ``refuse`` leaves that to whoever admits.
Unpriced = Literal["refuse", "free"] | Ceiling


@attrs.frozen(kw_only=True)
class Priced:
    """
    A price, and where it comes from.

    Attributes:
        version: Names catalog, overrides and policy: equal versions price alike.
        source: ``catalog``, ``override``, ``ceiling`` or ``free``; the last two are
            policies for what has no price, and no price of the provider's.
        override_id: Which override.
    """

    tariff: Tariff
    version: str
    source: Literal["catalog", "override", "ceiling", "free"]
    override_id: str | None = None


@attrs.frozen(eq=False)
class _Rule:
    """
    An override, made ready.

    Attributes:
        changes: None if its prices cannot be read; then it makes no price at all.
    """

    override: PricingOverride
    changes: tuple[Change, ...] | None
    prefix: str
    suffix: str | None

    def matches(self, provider: str, model: str) -> bool:
        if self.override.provider not in (None, provider):
            return False
        if self.suffix is None:
            return model == self.prefix
        return (
            len(model) >= len(self.prefix) + len(self.suffix)
            and model.startswith(self.prefix)
            and model.endswith(self.suffix)
        )

    @property
    def rank(self) -> tuple[bool, bool, int, float, str]:
        """
        Its place among those of one key, the most specific first.
        """
        return (
            self.override.provider is None,
            self.suffix is not None,
            -len(self.prefix) - len(self.suffix or ""),
            -self.override.updated_at,
            self.override.id,
        )


class Pricer:
    """
    Finds prices; made anew when an override changes.

    Args:
        unpriced: What becomes of a model without a price.

    Attributes:
        version: See `Priced`.
        fallback: What the policy makes of something without a price, for a service tier
            or a region that none is known of; None refuses it.
        faults: Id of each override that cannot be read, with the reason.  What it matches
            has no price: the catalog's may be too low.
    """

    def __init__(
        self,
        catalog: Catalog,
        overrides: Iterable[PricingOverride] = (),
        unpriced: Unpriced = "refuse",
    ) -> None:
        self._catalog = catalog
        self._rules: dict[str | None, list[_Rule]] = {}
        self._known: dict[tuple[str, str, str, str | None, int], Priced | None] = {}
        faults = []
        kept = sorted(overrides, key=lambda override: override.id)
        for override in kept:
            rule, fault = _ready(override)
            self._rules.setdefault(override.key_id, []).append(rule)
            if fault:
                faults.append((override.id, fault))
        for rules in self._rules.values():
            rules.sort(key=lambda rule: rule.rank)
        self.faults = tuple(faults)
        self.version = _version(catalog, kept, unpriced)
        self.fallback = _fallback(unpriced, self.version)

    def price(
        self, vendor: str, provider: str, model: str, *, key_id: str | None, at: float
    ) -> Priced | None:
        """
        Return the price that holds.

        Args:
            vendor: The kind of provider, by which the catalog knows its models.
            provider: Its name in the settings.
            model: The provider's name for the model.
            key_id: The virtual key that pays, if there is one.
            at: When the request was made, in Unix seconds.

        Returns:
            None if it has no price and the policy refuses that.
        """
        scope = key_id if key_id in self._rules else None
        place = (vendor, provider, model, scope, int(at // _SECONDS_PER_DAY))
        try:
            return self._known[place]
        except KeyError:
            found = self._find(vendor, provider, model, scope, at) or self.fallback
        if len(model) <= LONGEST_NAME:  # callers choose the names
            if len(self._known) >= KEPT:
                del self._known[next(iter(self._known))]
            self._known[place] = found
        return found

    def _find(
        self, vendor: str, provider: str, model: str, scope: str | None, at: float
    ) -> Priced | None:
        tariff = self._catalog.limits(vendor, model).tariff_at(at)
        rule = self._rule(provider, model, scope)
        if rule is None:
            if tariff is None:
                return None
            return Priced(tariff=tariff, version=self.version, source="catalog")
        if rule.changes is not None:
            tariff = overridden(rule.changes, tariff)
        if rule.changes is None or tariff is None:
            return None
        return Priced(
            tariff=tariff,
            version=self.version,
            source="override",
            override_id=rule.override.id,
        )

    def _rule(self, provider: str, model: str, scope: str | None) -> _Rule | None:
        for key in (scope, None) if scope is not None else (None,):
            for rule in self._rules.get(key, ()):
                if rule.matches(provider, model):
                    return rule
        return None


def _ready(override: PricingOverride) -> tuple[_Rule, str]:
    prefix, star, suffix = override.model.partition(ANY)
    fault = "more than one * in the model" if ANY in suffix else ""
    try:
        changes = read_changes(override.prices)
    except ValueError as exc:
        fault = str(exc)
    if fault:  # it matches more rather than less, for nothing it matches has a price
        suffix = suffix.rpartition(ANY)[2]
        return _Rule(override, None, prefix, suffix if star else None), fault
    return _Rule(override, changes, prefix, suffix if star else None), ""


def _version(
    catalog: Catalog, overrides: list[PricingOverride], unpriced: Unpriced
) -> str:
    """
    Name the catalog's version and, behind a plus sign, whatever else makes prices.
    """
    if not overrides and unpriced == "refuse":
        return catalog.version
    said = [
        [one.id, one.provider, one.model, one.key_id, sorted(one.prices.items())]
        for one in overrides
    ]
    policy = attrs.astuple(unpriced) if isinstance(unpriced, Ceiling) else unpriced
    digest = hashlib.sha256(codec.dumps([said, policy])).hexdigest()
    return f"{catalog.version}+{digest[:8]}"


def _fallback(unpriced: Unpriced, version: str) -> Priced | None:
    """
    Make one price of every bucket; at a ceiling the tools of the vendor still have none.
    """
    if unpriced == "refuse":
        return None
    if isinstance(unpriced, Ceiling):
        source: Literal["ceiling", "free"] = "ceiling"
        most_in, most_out, tools = unpriced.input_pico, unpriced.output_pico, None
    else:
        source, most_in, most_out, tools = "free", 0, 0, 0
    price = Price(
        input_pico=most_in,
        input_audio_pico=most_in,
        output_pico=most_out,
        output_audio_pico=most_out,
        output_image_pico=most_out,
        other_tools_pico=tools,
    )
    tariff = Tariff(valid_from=_ALWAYS, rates=Rates(price=price), is_flat=True)
    return Priced(tariff=tariff, version=version, source=source)
