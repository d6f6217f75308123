"""
What a caller is told who may not, cannot pay, or comes too often.

The sentences name the limit, its owner and what to do; amounts that are spent stand in the
details, which the trail and the operator see.  Codes and statuses are those of Bifrost, so that
clients written for it understand them.
"""

from __future__ import annotations

from typing import Final

from gateway.clock import utc_text
from gateway.errors import BudgetExceeded, RateLimited, Refused, Unavailable
from gateway_governance.entities import NANO_PER_USD, OwnerKind, Unit
from gateway_governance.ledger.authority import AuthorityFailed
from gateway_governance.ledger.meters import MICROS, Short, SlotsInUse, Standing
from gateway_governance.rate_headers import rates_of

#: Seconds after which another try may find the ledger well.
_OUTAGE_S: Final = 1.0
_LIMITED: Final = {
    Unit.REQUESTS: ("request_limited", "requests"),
    Unit.TOKENS: ("token_limited", "tokens"),
    Unit.IN_FLIGHT: ("parallel_limited", "requests at once"),
}


def usd(nano: int) -> str:
    """
    Write *nano* nano-USD as people write money: two digits, more where they say something.
    """
    sign, nano = ("-", -nano) if nano < 0 else ("", nano)
    whole, rest = divmod(nano, NANO_PER_USD)
    digits = f"{rest:09d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole}.{digits} USD"


def name_limit(standing: Standing) -> str:
    """
    Name a limit in words: ``600 requests per minute of team/payments``.
    """
    meter, limit = standing.meter, standing.limit
    if meter.owner.kind is OwnerKind.RUN:
        return f"{usd(limit)} of this run"
    is_money = meter.unit is Unit.MONEY
    amount = usd(limit) if is_money else f"{limit} {_LIMITED[meter.unit][1]}"
    each = f" per {meter.period.value}" if meter.period is not None else ""
    return f"{amount}{each} of {meter.owner}"


def refusal_of(short: Short, now: float) -> Refused:
    """
    Make the refusal that *short* is to the caller.

    Args:
        now: Unix seconds.
    """
    if short.meter.unit is not Unit.MONEY:
        return _limited(short, now)
    if short.is_spent:
        return _spent(short)
    return RateLimited(
        f"The rest of the budget ({name_limit(short.standing)}) is held by requests under way; "
        "retry in a moment.",
        code="budget_busy",
        retry_after_s=short.retry_after_s,
        details=_details(short),
    )


def _spent(short: Short) -> BudgetExceeded:
    standing = short.standing
    if standing.spent >= standing.limit:
        said = f"The budget is spent: {name_limit(short.standing)}."
    else:
        said = (
            "What is left of the budget does not pay for this request: "
            f"{name_limit(short.standing)}. A shorter prompt or a smaller output cap may fit."
        )
    if short.meter.period is not None and standing.ends:
        said += f" It resets at {utc_text(standing.ends / MICROS)}."
    return BudgetExceeded(said, details=_details(short))


def _limited(short: Short, now: float) -> RateLimited:
    code, _ = _LIMITED[short.meter.unit]
    if short.need > short.standing.limit:
        return _never(short, now)
    return RateLimited(
        limit=name_limit(short.standing),
        code=code,
        retry_after_s=short.retry_after_s,
        headers=rates_of([short.standing], now),
        details=_details(short),
    )


def _never(short: Short, now: float) -> RateLimited:
    """
    Refuse what is more than the whole limit, and say so: waiting alone will not let it pass.
    """
    code, noun = _LIMITED[short.meter.unit]
    said = f"{name_limit(short.standing)} allow none."
    if short.standing.limit:
        said = (
            f"This request needs about {short.need} {noun}, more than "
            f"{name_limit(short.standing)} ever allow: shorten the prompt, or ask for less "
            "output."
        )
    return RateLimited(
        said,
        code=code,
        retry_after_s=short.retry_after_s,
        headers=rates_of([short.standing], now),
        details=_details(short),
    )


def outage_of(failed: AuthorityFailed | SlotsInUse) -> Unavailable:
    """
    Make the refusal for a ledger that cannot hold: nothing is sent that was not held.
    """
    return Unavailable(
        "Budgets and limits cannot be checked at the moment; retry in a moment.",
        code="ledger_unavailable",
        retry_after_s=_OUTAGE_S,
        details={"why": type(failed).__name__},
    )


def _details(short: Short) -> dict[str, object]:
    standing = short.standing
    return {
        "meter": short.meter.id,
        "limit": standing.limit,
        "spent": standing.spent,
        "held": standing.held,
        "left": standing.left,
        "needs": short.need,
    }


def told(short: Short) -> str:
    """
    Say for the trail what was short, in words for an operator.
    """
    standing = short.standing
    say = usd if short.meter.unit is Unit.MONEY else str
    return (
        f"{name_limit(short.standing)}: spent {say(standing.spent)}, "
        f"held {say(standing.held)}, free {say(standing.left)}, "
        f"needs {say(short.need)} at least"
    )
