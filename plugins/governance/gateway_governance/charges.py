"""
What callers pay for answers that were kept, or that others are asking for.

Held before they are given, like what attempts cost.  No provider is asked: it counts on the money
of who calls, and neither on the limits of providers and models nor as tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway import Attempt, Exchange, Usage
from gateway_governance.answers import outage_of, refusal_of, told, usd
from gateway_governance.billing import Bill
from gateway_governance.entities import OwnerKind, Unit
from gateway_governance.ledger.authority import AuthorityFailed
from gateway_governance.ledger.meters import Demand, Short, SlotsInUse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway_governance.ledger.ledger import Ledger
    from gateway_governance.ledger.meters import Meter
    from gateway_governance.ledger.pool import Hold

__all__ = ["bill_of_charge", "hold_charge"]


async def hold_charge(
    ledger: Ledger,
    exchange: Exchange,
    meters: Iterable[Meter],
    charge_nano: int,
    *,
    wait_s: float,
) -> Hold | None:
    """
    Hold *charge_nano*; in a dry run, only say whether it could be.

    Args:
        meters: All that a call of the provider would count on.
        charge_nano: What is charged, or the most of it.
        wait_s: How long to wait where others hold what is missing.

    Raises:
        BudgetExceeded: 402, the money is spent.
        RateLimited: 429, others hold it.
        Unavailable: 503, nobody can tell.
    """
    demand = Demand(
        meters=tuple(meter for meter in meters if _is_callers_money(meter)),
        money_floor_nano=charge_nano,
        money_want_nano=charge_nano,
    )
    try:
        if exchange.dry_run:
            short = (await ledger.check(demand)).short
            if short is not None:
                raise short
            return None
        hold = ledger.try_hold(demand) or await ledger.hold(demand, wait_s=wait_s)
    except Short as short:
        exchange.explain(told(short))
        raise refusal_of(short, exchange.clock.now()) from None
    except (AuthorityFailed, SlotsInUse) as failed:
        raise outage_of(failed) from failed
    exchange.explain(f"holds {usd(charge_nano)}: nobody is asked")
    return hold


def bill_of_charge(attempt: Attempt) -> Bill:
    """
    Return what *attempt* is charged, of which no provider was asked and no tokens were used.
    """
    due = attempt.charge_nano
    return Bill(usage=Usage(), cost_nano=due, seen_nano=due, is_answer=False)


def _is_callers_money(meter: Meter) -> bool:
    return meter.unit is Unit.MONEY and meter.owner.kind is not OwnerKind.MODEL
