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
from gateway_guardrails.remote.parts import Part

__all__ = ["Heard", "gathered"]

_NANO: Final = Decimal(10) ** 9


@attrs.define(kw_only=True)
class Heard:
    """
    What one call said of one passage, or of a part of it.

    Attributes:
        number: The passage's.
        finds: As they count in the passage.
        whole: Those without a place.
        flagged: What the service was told to let pass.
        masked: The text to put in the passage's place.
        units: What the call cost, in the service's units.
    """

    number: int = 0
    finds: list[Find] = attrs.field(factory=list)
    whole: list[Find] = attrs.field(factory=list)
    flagged: list[Find] = attrs.field(factory=list)
    masked: str | None = attrs.field(default=None, repr=False)
    is_blocked: bool = False
    units: Counter[str] = attrs.field(factory=Counter)

    def add(self, find: Find, part: Part, *, is_flag: bool = False) -> None:
        """
        Add *find*, whose place counts in *part*; (0, 0) is none.

        Args:
            is_flag: It is not to be acted upon.
        """
        has_place = find.end > 0
        placed = part.placed(find) if has_place else find
        if is_flag:
            self.flagged.append(placed)
        else:
            (self.finds if has_place else self.whole).append(placed)


def gathered(
    heard: Iterable[Heard], passages: int, prices: Mapping[str, Decimal]
) -> Opinion:
    """
    Make one opinion; what two parts that overlap both say is said once.

    Args:
        passages: How many there are.
        prices: USD per 1,000 of each unit.
    """
    finds: list[set[Find]] = [set() for _ in range(passages)]
    flagged: list[set[Find]] = [set() for _ in range(passages)]
    masked: list[str | None] = [None] * passages
    whole: dict[Find, None] = {}
    units: Counter[str] = Counter()
    is_blocked = False
    for one in heard:
        finds[one.number].update(one.finds)
        flagged[one.number].update(one.flagged)
        whole.update(dict.fromkeys(one.whole))
        if one.masked is not None:
            masked[one.number] = one.masked
        units += one.units
        is_blocked = is_blocked or one.is_blocked
    return Opinion(
        finds=tuple(tuple(sorted(found)) for found in finds),
        masked=tuple(masked) if any(text is not None for text in masked) else (),
        whole=tuple(whole),
        flagged=tuple(tuple(sorted(some)) for some in flagged) if any(flagged) else (),
        is_blocked=is_blocked,
        cost_nano=_cost_nano(units, prices),
        units=dict(units),
    )


def _cost_nano(units: Mapping[str, int], prices: Mapping[str, Decimal]) -> int:
    """
    Price *units*, rounded up once; those without a price cost nothing that is known.
    """
    usd = sum(
        (prices.get(name, Decimal(0)) * n for name, n in units.items()), Decimal(0)
    )
    return int((usd * _NANO / 1000).to_integral_value(ROUND_CEILING))
