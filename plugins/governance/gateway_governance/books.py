"""
What attempts are authorised and priced by, at one moment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import attrs

from gateway_governance.entities import Unit
from gateway_governance.ledger.layout import MAX_PARTS

if TYPE_CHECKING:
    from gateway.catalog import Dearest, ModelFacts, Tariff
    from gateway_governance.bounds import Bound
    from gateway_governance.choosing import Chooser
    from gateway_governance.ledger.meters import Meter
    from gateway_governance.pricing import Priced, Pricer
    from gateway_governance.snapshot import Found, Snapshot

#: Finds the kind of a provider, and what is known of its model.
Facts = Callable[[str, str], "tuple[str, ModelFacts]"]

#: Terms that are remembered, and the longest name of a model for which some are.
KEPT: Final = 20_000
LONGEST_NAME: Final = 256

_SECONDS_PER_DAY: Final = 86_400
#: Meters of one hold, beside that of a run.
_MOST_JOINT: Final = MAX_PARTS - 1


@attrs.frozen(eq=False, kw_only=True)
class Terms:
    """
    What is the same for every attempt of one key at one model, as long as the day lasts.

    Attributes:
        day: Since 1970, for prices change at midnight.
        key_id: None where the caller has no key.
        facts: Of the model.
        priced: None where it has no price.
        tariff: The prices; None likewise.
        meters: What an attempt counts on.
        joint_meters: The same, and behind them what the request itself counts on; none where
            there is nothing of it, or more than one hold has room for.
        joined: How many of them are the request's.
        has_budget: One of them is of money.
    """

    day: float
    key_id: str | None
    facts: ModelFacts
    priced: Priced | None
    tariff: Tariff | None
    meters: tuple[Meter, ...]
    joint_meters: tuple[Meter, ...]
    joined: int
    has_budget: bool

    def dearest(self, bound: Bound) -> Dearest | None:
        """
        Return the most that each part of *bound* may cost; None where something has no price.
        """
        if self.tariff is None:
            return None
        return self.tariff.dearest(bound.input_tokens, bound.service, bound.region)


@attrs.frozen(eq=False, kw_only=True)
class Books:
    """
    Prices, rules and meters of one snapshot.
    """

    snapshot: Snapshot
    pricer: Pricer
    chooser: Chooser
    facts: Facts
    _terms: dict[tuple[str | None, str, str], Terms] = attrs.field(
        factory=dict, init=False, repr=False
    )

    def terms(
        self, found: Found | None, provider: str, model: str, now: float
    ) -> Terms:
        """
        Return what holds for attempts of *found* at *model* of *provider*.
        """
        place = (None if found is None else found.place, provider, model)
        day = now // _SECONDS_PER_DAY
        terms = self._terms.get(place)
        if terms is None or terms.day != day:
            terms = self._made(found, provider, model, now)
            if len(model) <= LONGEST_NAME:  # callers choose the names
                if len(self._terms) >= KEPT:
                    self._terms.clear()
                self._terms[place] = terms
        return terms

    def _made(
        self, found: Found | None, provider: str, model: str, now: float
    ) -> Terms:
        if found is not None:
            found = self.snapshot.latest(found, now)
        key_id = None if found is None else found.key.id
        vendor, facts = self.facts(provider, model)
        meters = self.snapshot.attempt_meters(found, provider, model)
        own = () if found is None else self.snapshot.request_meters(found)
        joined = len(own) if len(meters) + len(own) <= _MOST_JOINT else 0
        priced = self.pricer.price(vendor, provider, model, key_id=key_id, at=now)
        return Terms(
            day=now // _SECONDS_PER_DAY,
            key_id=key_id,
            facts=facts,
            priced=priced,
            tariff=None if priced is None else priced.tariff,
            meters=meters,
            joint_meters=(*meters, *own) if joined else (),
            joined=joined,
            has_budget=any(meter.unit is Unit.MONEY for meter in meters),
        )
