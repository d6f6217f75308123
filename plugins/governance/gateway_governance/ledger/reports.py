"""
How meters stand, and what a hold would say, without changing anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from gateway_governance.ledger.authority import Ask, Authority, Record
from gateway_governance.ledger.meters import Demand, Meter, Short, Standing
from gateway_governance.ledger.pool import share_of
from gateway_governance.ledger.rows import amount_of, most_telling, short_of

if TYPE_CHECKING:
    from gateway_governance.ledger.rows import Rows


@attrs.frozen(kw_only=True)
class Checked:
    """
    What `Ledger.hold` would say.

    Attributes:
        money_nano: How much money would be held.
        short: Why it would refuse; None where it would not.
    """

    money_nano: int
    short: Short | None
    standings: tuple[Standing, ...]


async def standings(
    rows: Rows, authority: Authority, meters: Sequence[Meter]
) -> list[Standing]:
    """
    Say how *meters* stand in the windows that contain now, whether or not anybody began them.
    """
    found = {meter: rows.standing(meter) for meter in meters}
    missing = [meter for meter, each in found.items() if each is None]
    asks = {
        ask.meter: ask
        for ask in rows.asks([each for each in missing if each.has_window])
    }
    records = {name: _untouched(ask) for name, ask in asks.items()}
    kept = [asks[meter.id] for meter in missing if meter.is_backed]
    if kept:
        looked = await authority.look(kept)
        records.update((record.meter, record) for record in looked)
    return [
        _as_begun(meter, records.get(meter.id)) if each is None else each
        for meter, each in found.items()
    ]


async def check(rows: Rows, authority: Authority, demand: Demand) -> Checked:
    """
    Say what a hold of *demand* would say.
    """
    found = await standings(rows, authority, tuple(dict.fromkeys(demand.meters)))
    money = share_of(demand, [each.left for each in found if each.meter.is_strict])
    now = rows.now()
    shorts = []
    for each in found:
        amount = amount_of(each.meter, demand, money)
        if amount and each.left < amount:
            shorts.append(short_of(each, amount, now))
    return Checked(money_nano=money, short=most_telling(shorts), standings=tuple(found))


def _untouched(ask: Ask) -> Record:
    return Record(meter=ask.meter, starts=ask.starts, ends=ask.ends)


def _as_begun(meter: Meter, record: Record | None) -> Standing:
    """
    Say how *meter* will stand once its row is in the window of *record*.
    """
    if record is None:
        return Standing(
            meter=meter, limit=meter.limit, granted=meter.limit, free=meter.limit
        )
    spent = max(record.settled, record.mark) if meter.is_strict else record.settled
    granted = record.mark if meter.is_strict else meter.limit
    return Standing(
        meter=meter,
        limit=meter.limit,
        granted=granted,
        free=granted - spent,
        spent=spent,
        burned=spent - record.settled,
        starts=record.starts,
        ends=record.ends,
    )
