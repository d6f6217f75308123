"""
What attempts may cost, and what they did: held before anything is sent, settled afterwards.

Money holds the worst case of what is sent, so the output cap that goes upstream is the one that
was held.  Tokens hold what is to be expected.  What broke off is charged an upper bound.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import attrs

from gateway import Attempt, BudgetExceeded, Exchange, Refused, Usage
from gateway.errors import InvalidRequest
from gateway_governance.admission import Admitted, admitted_of
from gateway_governance.answers import refusal_of, told, usd
from gateway_governance.bounds import (
    MANY_TOKENS,
    Bound,
    bound_of,
    output_tokens_for,
    worst_nano,
)
from gateway_governance.counting import tokenizer_of
from gateway_governance.cut_short import Broken, charge_of
from gateway_governance.entities import Unit
from gateway_governance.ledger import Actual, Demand, Hold, Ledger, Short
from gateway_governance.rate_headers import tell_rates
from gateway_governance.settings import HoldForUnbounded, LowerOutput
from gateway_governance.usage import UsageRow

if TYPE_CHECKING:
    from gateway.catalog import Dearest, ModelFacts
    from gateway_governance.choosing import Chooser
    from gateway_governance.counting import Counter
    from gateway_governance.expected import Expected
    from gateway_governance.ledger import Meter
    from gateway_governance.listening import Listener
    from gateway_governance.pricing import Priced, Pricer
    from gateway_governance.settings import GovernanceSettings
    from gateway_governance.snapshot import Snapshot

CAP_HEADER: Final = "x-gw-output-cap"
#: Failures of which it is certain that nothing reached the provider.
_NEVER_SENT: Final = frozenset({"connect"})


@attrs.define(eq=False, kw_only=True)
class Payment:
    """
    What one attempt holds, and by what it will be priced.

    Attributes:
        bound: Of the request as it is sent, its cap the one that was held.
        priced: None where the model has no price and nobody minds.
        dearest: None where *priced* is, or something asked for has no price.
        holds_money: Whether any strict budget is concerned.
        listener: Counts the stream, while there is one.
    """

    hold: Hold
    bound: Bound
    priced: Priced | None
    dearest: Dearest | None
    holds_money: bool
    listener: Listener | None = None


@attrs.define(eq=False, kw_only=True)
class Books:
    """
    What attempts are priced and authorised by, at one moment.
    """

    snapshot: Snapshot
    pricer: Pricer
    chooser: Chooser


@attrs.define(eq=False, kw_only=True)
class Payments:
    """
    Holds and settles what attempts cost.

    Args:
        books: Returns what is in force.
        facts: Finds what the catalog knows of a provider's model, and the kind of provider.
    """

    settings: GovernanceSettings
    ledger: Ledger
    books: Callable[[], Books]
    facts: Callable[[str, str], tuple[str, ModelFacts]]
    counter: Counter
    expected: Expected

    # --- before -----------------------------------------------------------------------------

    async def hold(self, exchange: Exchange, attempt: Attempt) -> None:
        """
        Hold what *attempt* may cost, and lower its output cap to that.

        Raises:
            NotAllowed: the key may not use the target.
            BudgetExceeded: 402, the money is spent, or the model has no price.
            RateLimited: 429, tokens, or money that others hold.
            InvalidRequest: 400, what it costs cannot be told beforehand.
        """
        books = self.books()
        admitted = admitted_of(exchange)
        target = attempt.target
        books.chooser.authorise(exchange, target, admitted)
        if attempt.joined:
            exchange.explain("follows a request under way, which pays")
            return
        key_id = None if admitted.key is None else admitted.key.id
        meters = (
            *books.snapshot.attempt_meters(admitted.found, target.provider, target.model),
            *admitted.run,
        )
        vendor, facts = self.facts(target.provider, target.model)
        priced = books.pricer.price(
            vendor, target.provider, target.model, key_id=key_id, at=exchange.clock.now()
        )
        attempt.tariff = None if priced is None else priced.tariff
        bound = bound_of(attempt.request, facts, exchange.operation)
        asking = _Asking(
            payments=self,
            exchange=exchange,
            attempt=attempt,
            facts=facts,
            meters=meters,
            key_id=key_id,
            bound=bound,
            priced=priced,
        )
        payment = await asking.ask()
        if payment is not None:
            admitted.payments[attempt.number] = payment
            admitted.was_sent = True
            attempt.hold_nano = payment.hold.money_nano
            self.ledger.sent(payment.hold)

    # --- after ------------------------------------------------------------------------------

    async def settle(self, exchange: Exchange, attempt: Attempt) -> None:
        """
        Charge what *attempt* cost, or give back what it held.
        """
        admitted = admitted_of(exchange)
        payment = admitted.payments.pop(attempt.number, None)
        if payment is None:
            return
        if attempt.not_sent or _never_arrived(attempt):
            self.ledger.release(payment.hold)
            return
        bill = self._bill(exchange, attempt, payment)
        if bill.cost_nano is not None:
            admitted.cost_nano = (admitted.cost_nano or 0) + bill.cost_nano
            exchange.cost_nano = admitted.cost_nano
        usage = bill.usage
        actual = Actual(
            money_nano=bill.cost_nano or 0,
            tokens=usage.total_input + usage.total_output,
            requests=1,
        )
        self.ledger.settle(
            payment.hold, actual, _row(exchange, attempt, admitted, payment, bill)
        )
        if attempt.usage is not None:
            self._learn(attempt, admitted, payment.bound)

    def _bill(self, exchange: Exchange, attempt: Attempt, payment: Payment) -> Bill:
        usage = attempt.usage
        if usage is not None and attempt.ended_well:
            cost = _cost_of(usage, payment)
            return Bill(usage=usage, cost_nano=cost, seen_nano=cost)
        if usage is None and attempt.status is not None and attempt.status >= 400:
            # A provider that answers with an error has generated nothing, and bills nothing.
            return Bill(usage=Usage(), cost_nano=0, seen_nano=0)
        return _cut_short(exchange, attempt, payment)

    def _learn(self, attempt: Attempt, admitted: Admitted, bound: Bound) -> None:
        usage = attempt.usage
        if usage is None:
            return
        model = attempt.target.model
        key_id = None if admitted.key is None else admitted.key.id
        self.counter.calibration.learn(bound, model, usage.total_input)
        self.expected.learn(
            bound,
            key_id,
            model,
            input_tokens=usage.total_input,
            output_tokens=usage.total_output,
        )


@attrs.frozen(kw_only=True)
class Bill:
    """
    What one attempt came to.

    Attributes:
        cost_nano: What is charged; None where there is no price.
        seen_nano: What is due for that which arrived.
    """

    usage: Usage
    cost_nano: int | None
    seen_nano: int | None
