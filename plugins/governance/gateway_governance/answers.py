"""
What a caller is told who may not, cannot pay, or comes too often.

The sentences name the limit, its owner and what to do; amounts that are spent stand in the
details, which the trail and the operator see.  Codes and statuses are those of Bifrost, so that
clients written for it understand them.
"""

from __future__ import annotations

from math import ceil
from typing import Final

from gateway.clock import utc_text
from gateway.errors import BudgetExceeded, RateLimited, Refused
from gateway_governance.entities import NANO_PER_USD, Unit
from gateway_governance.ledger import Meter, Short

_LIMITED: Final = {
    Unit.REQUESTS: ("request_limited", "requests"),
    Unit.TOKENS: ("token_limited", "tokens"),
    Unit.IN_FLIGHT: ("parallel_limited", "requests at once"),
}
#: Seconds after which a request that others kept out may try again.
BUSY_S: Final = 1.0


def usd(nano: int) -> str:
    """
    Write *nano* nano-USD as people write money: two digits, more where they say something.
    """
    sign, nano = ("-", -nano) if nano < 0 else ("", nano)
    whole, rest = divmod(nano, NANO_PER_USD)
    digits = f"{rest:09d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole}.{digits} USD"


def name_limit(meter: Meter) -> str:
    """
    Name a limit in words: ``600 requests per minute of team/payments``.
    """
    if meter.unit is Unit.MONEY:
        amount = usd(meter.limit)
    else:
        amount = f"{meter.limit} {_LIMITED[meter.unit][1]}"
    each = f" per {meter.period.value}" if meter.period is not None else ""
    return f"{amount}{each} of {meter.owner}"


def refusal_of(short: Short) -> Refused:
    """
    Make the refusal that *short* is to the caller.
    """
    if short.meter.unit is not Unit.MONEY:
        return _limited(short)
    if short.is_spent:
        return _spent(short)
    return RateLimited(
        f"The rest of the budget ({name_limit(short.meter)}) is held by requests under way, "
        "retry in a moment",
        code="budget_busy",
        retry_after_s=BUSY_S,
        details=_details(short),
    )


def _spent(short: Short) -> BudgetExceeded:
    ends_at = short.standing.ends_at
    resets = "" if ends_at is None else f" It resets at {utc_text(ends_at)}."
    if short.standing.spent >= short.meter.limit:
        said = f"The budget is spent: {name_limit(short.meter)}."
    else:
        said = (
            f"What is left of the budget does not pay for this request: "
            f"{name_limit(short.meter)}."
        )
    return BudgetExceeded(said + resets, details=_details(short))


def _limited(short: Short) -> RateLimited:
    code, _ = _LIMITED[short.meter.unit]
    return RateLimited(
        limit=name_limit(short.meter),
        code=code,
        retry_after_s=short.retry_after_s or BUSY_S,
        details=_details(short),
    )


def _details(short: Short) -> dict[str, object]:
    standing = short.standing
    return {
        "meter": short.meter.id,
        "limit": short.meter.limit,
        "spent": standing.spent,
        "held": standing.held,
        "free": standing.free,
        "needs": short.need,
    }


def told(short: Short) -> str:
    """
    Say for the trail what was short, in words for an operator.
    """
    standing = short.standing
    if short.meter.unit is Unit.MONEY:
        spent, held, free, need = (
            usd(nano)
            for nano in (standing.spent, standing.held, standing.free, short.need)
        )
    else:
        spent, held, free, need = (
            str(count)
            for count in (standing.spent, standing.held, standing.free, short.need)
        )
    return (
        f"{name_limit(short.meter)}: spent {spent}, held {held}, free {free}, "
        f"needs {need} at least"
    )


def wait_text(seconds: float) -> str:
    """
    Write a time to wait as OpenAI does in ``x-ratelimit-reset-…``: ``6m0s``, ``20ms``.
    """
    if seconds < 1:
        return f"{max(0, ceil(seconds * 1000))}ms"
    whole = ceil(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{left}s"
    return f"{minutes}m{left}s" if minutes else f"{left}s"
