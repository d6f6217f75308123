"""
What an attempt came to: what the provider said it used, or an upper bound of that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from gateway import Attempt, AttemptState, Exchange, Identity, Outcome, Usage
from gateway_governance.cut_short import Broken, charge_of
from gateway_governance.usage import UsageRow

if TYPE_CHECKING:
    from gateway_governance.admission import Admitted
    from gateway_governance.asking import Payment

_FIRST_ERROR: Final = 400
_NOBODY: Final = Identity(key_id="")


# Nobody changes one; not frozen, for that triples the time to make one.
@attrs.define(kw_only=True)
class Bill:
    """
    What one attempt came to.

    Attributes:
        cost_nano: What is charged; None where there is no price.
        seen_nano: What is due for that which arrived.
        is_answer: The provider answered, and not with an error.
    """

    usage: Usage
    cost_nano: int | None
    seen_nano: int | None
    is_answer: bool = True


def bill_of(exchange: Exchange, attempt: Attempt, payment: Payment) -> Bill:
    """
    Find out what *attempt* is charged.
    """
    status = attempt.status
    if status is not None and status >= _FIRST_ERROR:
        # A provider that answers with an error has generated nothing, and bills nothing.
        return Bill(usage=Usage(), cost_nano=0, seen_nano=0, is_answer=False)
    usage = attempt.usage
    if usage is not None and attempt.state is AttemptState.ANSWERED:
        cost = _cost_of(usage, attempt, payment)
        return Bill(usage=usage, cost_nano=cost, seen_nano=cost)
    return _cut_short(exchange, attempt, payment)


def _cost_of(usage: Usage, attempt: Attempt, payment: Payment) -> int | None:
    """
    Price what the provider said; what has no price in it costs all that was held.
    """
    if payment.priced is None:
        return None
    cost = attempt.cost_nano
    if cost is None or attempt.tariff is not payment.priced.tariff:
        cost = payment.priced.tariff.cost_nano(usage, payment.bound.service)
    return payment.ceiling_nano if cost is None else cost


def _cut_short(exchange: Exchange, attempt: Attempt, payment: Payment) -> Bill:
    """
    Charge what broke off, or what the provider did not account for.
    """
    broken = _broken(exchange, attempt, payment)
    if payment.dearest is None:
        usage = Usage(
            input=payment.bound.input_tokens,
            output=max(1, broken.received_tokens),
            is_estimated=True,
        )
        due = payment.ceiling_nano
        return Bill(usage=usage, cost_nano=due, seen_nano=due)
    charge = charge_of(payment.bound, payment.dearest, payment.ceiling_nano, broken)
    usage = Usage(
        input=charge.input_tokens, output=charge.output_tokens, is_estimated=True
    )
    return Bill(usage=usage, cost_nano=charge.charged_nano, seen_nano=charge.seen_nano)


def _broken(exchange: Exchange, attempt: Attempt, payment: Payment) -> Broken:
    listener, told = payment.listener, attempt.usage
    ended = attempt.ended_at or exchange.clock.monotonic()
    sent = ended if attempt.sent_at is None else attempt.sent_at
    if listener is None:
        received = attempt.bytes_received
        unseen_s, streamed_s = max(0.0, ended - sent), 0.0
    else:
        received = listener.bytes_seen
        unseen_s, streamed_s = listener.silent_s(sent, ended), listener.spoken_s()
    return Broken(
        received_tokens=received,
        unseen_s=unseen_s,
        streamed_s=streamed_s,
        input_tokens=None if told is None or not told.total_input else told.total_input,
        output_tokens=None if told is None else told.total_output,
    )


def row_of(
    exchange: Exchange,
    attempt: Attempt,
    admitted: Admitted,
    payment: Payment,
    bill: Bill,
) -> UsageRow:
    """
    Write down one attempt for reports.
    """
    target, usage, found = attempt.target, bill.usage, admitted.found
    who = _NOBODY if found is None else found.identity
    # By place, in the order of the row: thirty names would take as long as all the rest.
    return UsageRow(
        exchange.id,
        attempt.number,
        exchange.clock.now(),
        who.key_id or None,
        who.key_name or None,
        who.team_id,
        who.customer_id,
        admitted.run_id,
        target.provider,
        target.model,
        target.key or "",
        target.dialect,
        exchange.operation,
        attempt.status or 0,
        _outcome(exchange, attempt),
        usage.input,
        usage.cache_read,
        usage.cache_write_5m,
        usage.cache_write_1h,
        usage.input_audio,
        usage.input_image,
        usage.output,
        usage.reasoning,
        usage.output_audio,
        usage.output_image,
        usage.images,
        _tool_calls(usage) if usage.server_tool_calls else 0,
        usage.service_tier,
        usage.region,
        usage.is_estimated,
        bill.cost_nano or 0,
        bill.seen_nano or 0,
        payment.hold.money_nano,
        "" if payment.priced is None else payment.priced.version,
    )


def _tool_calls(usage: Usage) -> int:
    return sum(calls for _, calls in usage.server_tool_calls)


def _outcome(exchange: Exchange, attempt: Attempt) -> str:
    if exchange.outcome is Outcome.LEFT:
        return "left"
    if attempt.joined:
        return "cached"
    if attempt.error is not None or (attempt.status or 0) >= _FIRST_ERROR:
        return "failed"
    return "done" if attempt.state is AttemptState.ANSWERED else "cut"
