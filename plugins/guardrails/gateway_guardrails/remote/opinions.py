"""
From what was heard in many calls to one opinion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Final

import attrs

from gateway.detecting import Find, Opinion
from gateway_guardrails.remote.bundles import Bundle

__all__ = ["Heard", "gathered"]

_NANO: Final = Decimal(10) ** 9


@attrs.define(kw_only=True)
class Heard:
    """
    What one call said.

    Attributes:
        finds: Each with its passage's number, and as it counts there.
        whole: Those without a place.
        flagged: What the service was told to let pass; without a place in the passage's stead.
        masked: The texts to put in passages' places, by their numbers.
        units: What the call cost, in the service's units.
    """

    finds: list[tuple[int, Find]] = attrs.field(factory=list)
    whole: list[Find] = attrs.field(factory=list)
    flagged: list[tuple[int, Find]] = attrs.field(factory=list)
    masked: dict[int, str] = attrs.field(factory=dict, repr=False)
    is_blocked: bool = False
    units: Counter[str] = attrs.field(factory=Counter)

    def add(self, find: Find, bundle: Bundle, *, is_flag: bool = False) -> None:
        """
        Add *find*, whose place counts in *bundle*; (0, 0) is none.

        Args:
            is_flag: It is not to be acted upon.
        """
        if find.end > 0:
            (self.flagged if is_flag else self.finds).extend(bundle.placed(find))
        elif is_flag:
            self.flagged.append((bundle.number, find))
        else:
            self.whole.append(find)


def gathered(
    heard: Iterable[Heard], passages: int, prices: Mapping[str, Decimal]
) -> Opinion:
    """
    Make one opinion; what two parts that overlap both say is said once.

    Args:
        passages: How many there are.
        prices: USD per 1,000 of each unit.
    """
    whole: dict[Find, None] = {}
    finds: set[tuple[int, Find]] = set()
    flagged: set[tuple[int, Find]] = set()
    masked: dict[int, str] = {}
    units: Counter[str] = Counter()
    is_blocked = False
    for one in heard:
        whole.update(dict.fromkeys(one.whole))
        finds.update(one.finds)
        flagged.update(one.flagged)
        masked.update(one.masked)
        units += one.units
        is_blocked = is_blocked or one.is_blocked
    numbers = range(passages)
    return Opinion(
        finds=_by_passage(finds, passages),
        masked=tuple(map(masked.get, numbers)) if masked else (),
        whole=tuple(whole),
        flagged=_by_passage(flagged, passages) if flagged else (),
        is_blocked=is_blocked,
        cost_nano=_cost_nano(units, prices),
        units=dict(units),
    )


def _by_passage(
    found: Iterable[tuple[int, Find]], passages: int
) -> tuple[tuple[Find, ...], ...]:
    each: list[list[Find]] = [[] for _ in range(passages)]
    for number, find in found:
        # Where only images are asked about, there is no passage to tell of one that is flagged.
        if number < passages:
            each[number].append(find)
    return tuple(tuple(sorted(finds)) for finds in each)


def _cost_nano(units: Mapping[str, int], prices: Mapping[str, Decimal]) -> int:
    """
    Price *units*, rounded up once; those without a price cost nothing that is known.
    """
    usd = sum(
        (prices.get(name, Decimal(0)) * n for name, n in units.items()), Decimal(0)
    )
    return int((usd * _NANO / 1000).to_integral_value(ROUND_CEILING))
