"""
What attempts may cost, and what they did: held before anything is sent, settled afterwards.

Money holds the worst case of what is sent, so the output cap that goes upstream is the one that
was held.  Tokens hold what is to be expected.  What broke off is charged an upper bound.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import attrs

from gateway import Attempt, BudgetExceeded, Exchange
from gateway.catalog import UNKNOWN
from gateway.errors import InvalidRequest
from gateway_governance.admission import Admitted, admitted_of
from gateway_governance.answers import refusal_of, told, usd
from gateway_governance.billing import Bill, bill_of, row_of
from gateway_governance.bounds import (
    FREE,
    Bound,
    bound_of,
    output_tokens_for,
    worst_nano,
)
from gateway_governance.counting import tokenizer_of
from gateway_governance.entities import Unit
from gateway_governance.facts import Used
from gateway_governance.ledger.meters import Actual, Demand, Short
from gateway_governance.rate_headers import tell_rates
from gateway_governance.settings import HoldForUnbounded, LowerOutput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway import ModelListing, Target
    from gateway.catalog import Dearest, ModelFacts
    from gateway_governance.choosing import Chooser
    from gateway_governance.counting import Counter
    from gateway_governance.expected import Expected
    from gateway_governance.ledger.ledger import Ledger
    from gateway_governance.ledger.meters import Meter
    from gateway_governance.ledger.pool import Hold
    from gateway_governance.listening import Listener
    from gateway_governance.pricing import Priced, Pricer
    from gateway_governance.settings import GovernanceSettings
    from gateway_governance.snapshot import Found, Snapshot

#: Tells the caller that its answer may be shorter than it asked for.
CAP_HEADER: Final = "x-gw-output-cap"
#: Of most text; what rules compare is no bound.
_BYTES_PER_TOKEN: Final = 4
#: Failures of which it is certain that nothing reached the provider.
_NEVER_SENT: Final = frozenset({"connect"})


@attrs.define(eq=False, kw_only=True)
class Payment:
    """
    What one attempt holds, and by what it will be priced.

    Attributes:
        bound: Of the request as it is sent, its cap the one that was held.
        priced: None where the model has no price and no budget minds.
        dearest: None where *priced* is, or where something that is asked for has no price.
        ceiling_nano: The most that is charged for what the provider does not account for.
        listener: Counts the stream, while there is one.
    """

    hold: Hold
    bound: Bound
    priced: Priced | None
    dearest: Dearest | None
    ceiling_nano: int | None
    listener: Listener | None = None


@attrs.frozen(eq=False, kw_only=True)
class Books:
    """
    What attempts are authorised and priced by, at one moment.
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
        facts: Finds the kind of a provider, and what is known of its model.
    """

    settings: GovernanceSettings
    ledger: Ledger
    books: Callable[[], Books]
    facts: Callable[[str, str], tuple[str, ModelFacts]]
    counter: Counter
    expected: Expected

    def choose(self, exchange: Exchange, targets: Sequence[Target]) -> Sequence[Target]:
        """
        Return the targets to try, by rules, weights and what the key may use.

        Raises:
            NotAllowed: The key may use none of them.
            ModelNotFound: There is no such model, to a key that may not know of others.
            RuleFailed: A rule cannot be evaluated, or leads nowhere.
        """
        admitted = admitted_of(exchange)
        return self.books().chooser.choose(
            exchange,
            targets,
            admitted,
            used=partial(self._used, admitted),
            input_tokens=partial(_prompt_tokens, exchange),
        )

    def visible(
        self, exchange: Exchange, found: Found | None, models: Sequence[ModelListing]
    ) -> Sequence[ModelListing]:
        """
        Return those of *models* that the caller may use.
        """
        if found is None:
            return models
        chooser = self.books().chooser
        access = chooser.access.of(found.key, found.team, exchange.settings.digest)
        return access.visible(models)

    def _used(self, admitted: Admitted) -> Used:
        """
        Say what is used of the caller's limits, by the fullest of each kind.
        """
        found = admitted.found
        if found is None:
            return Used()
        snapshot = self.books().snapshot
        meters = (
            meter for owner in found.chain for meter in snapshot.owner_meters(owner)
        )
        shares: dict[Unit, float] = {}
        for standing in self.ledger.known(meters):
            unit, limit = standing.meter.unit, standing.limit
            share = 100 * (standing.spent + standing.held) / limit if limit else 100.0
            shares[unit] = max(share, shares.get(unit, 0.0))
        return Used(
            money=shares.get(Unit.MONEY, 0.0),
            tokens=shares.get(Unit.TOKENS, 0.0),
            requests=shares.get(Unit.REQUESTS, 0.0),
        )

    async def hold(self, exchange: Exchange, attempt: Attempt) -> None:
        """
        Hold what *attempt* may cost, and lower its output cap to that.

        Raises:
            NotAllowed: 403, the key may not use the target.
            BudgetExceeded: 402, the money is spent, or the model has no price.
            RateLimited: 429, tokens, or money that others hold.
            InvalidRequest: 400, what it costs cannot be told beforehand.
        """
        books, admitted = self.books(), admitted_of(exchange)
        books.chooser.authorise(exchange, attempt.target, admitted)
        if attempt.joined:
            exchange.explain("follows a request under way, which pays")
            return
        asking = self._asking(exchange, attempt, books, admitted)
        if exchange.dry_run:
            await asking.check()
            return
        payment = await asking.pay()
        admitted.payments[attempt.number] = payment
        attempt.hold_nano = payment.hold.money_nano
        self.ledger.sent(payment.hold)

    def _asking(
        self, exchange: Exchange, attempt: Attempt, books: Books, admitted: Admitted
    ) -> _Asking:
        target, key = attempt.target, admitted.key
        key_id = None if key is None else key.id
        vendor, facts = self.facts(target.provider, target.model)
        priced = books.pricer.price(
            vendor,
            target.provider,
            target.model,
            key_id=key_id,
            at=exchange.clock.now(),
        )
        attempt.tariff = None if priced is None else priced.tariff
        meters = books.snapshot.attempt_meters(
            admitted.found, target.provider, target.model
        )
        return _Asking(
            payments=self,
            exchange=exchange,
            attempt=attempt,
            facts=facts,
            meters=meters if admitted.run is None else admitted.run.with_meters(meters),
            key_id=key_id,
            bound=bound_of(attempt.request, facts, exchange.operation),
            priced=priced,
        )

    def settle(self, exchange: Exchange, attempt: Attempt) -> None:
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
        admitted.was_sent = True
        bill = bill_of(exchange, attempt, payment)
        if bill.cost_nano is not None:
            admitted.cost_nano = (admitted.cost_nano or 0) + bill.cost_nano
            exchange.cost_nano = admitted.cost_nano
        self.ledger.settle(
            payment.hold,
            Actual(
                money_nano=bill.cost_nano or 0,
                tokens=bill.usage.total_input + bill.usage.total_output,
                requests=1,
            ),
            row_of(exchange, attempt, admitted, payment, bill),
        )
        if not bill.usage.is_estimated and bill.is_answer:
            self._learn(attempt, admitted, payment.bound, bill)

    def _learn(
        self, attempt: Attempt, admitted: Admitted, bound: Bound, bill: Bill
    ) -> None:
        usage, model = bill.usage, attempt.target.model
        self.counter.calibration.learn(bound, model, usage.total_input)
        self.expected.learn(
            bound,
            None if admitted.key is None else admitted.key.id,
            model,
            input_tokens=usage.total_input,
            output_tokens=usage.total_output,
        )


@attrs.define(eq=False, kw_only=True)
class _Asking:
    """
    One attempt that asks for what it may cost.
    """

    payments: Payments
    exchange: Exchange
    attempt: Attempt
    facts: ModelFacts
    meters: tuple[Meter, ...]
    key_id: str | None
    bound: Bound
    priced: Priced | None
    dearest: Dearest | None = None

    def __attrs_post_init__(self) -> None:
        self._price()

    def _price(self) -> None:
        bound = self.bound
        if self.priced is not None:
            self.dearest = self.priced.tariff.dearest(
                bound.input_tokens, bound.service, bound.region
            )

    @property
    def _has_budget(self) -> bool:
        return any(meter.unit is Unit.MONEY for meter in self.meters)

    # --- asking -----------------------------------------------------------------------------

    async def check(self) -> None:
        """
        Say what `pay` would, holding nothing.
        """
        checked = await self.payments.ledger.check(self._demand())
        if checked.short is not None:
            raise self._refused(checked.short)
        if self._has_budget:
            self.exchange.explain(f"would hold {usd(checked.money_nano)}")

    async def pay(self) -> Payment:
        """
        Hold what the attempt may cost; where that is too much, count exactly and try again.
        """
        ledger = self.payments.ledger
        demand = self._demand()
        try:
            hold = ledger.try_hold(demand)
            if hold is None:
                hold = await ledger.hold(demand)
        except Short as short:
            hold = await self._pay_less(short)
        return self._paid(hold)

    async def _pay_less(self, short: Short) -> Hold:
        """
        Ask again with a bound that was counted, and wait where only others are in the way.
        """
        if short.meter.unit is Unit.MONEY:
            await self._tighten()
        try:
            return await self.payments.ledger.hold(
                self._demand(), wait_s=self.payments.settings.wait.up_to_s
            )
        except Short as still:
            raise self._refused(still) from None

    async def _tighten(self) -> None:
        # Another vendor's tokenizer only estimates, and an estimate holds no budget.
        if tokenizer_of(self.facts.model or self.attempt.target.model).is_exact:
            self.bound = await self.payments.counter.tighten(
                self.bound, self.attempt.request, self.facts, above_tokens=0
            )
            self._price()

    def _refused(self, short: Short) -> Exception:
        self.exchange.explain(told(short))
        return refusal_of(short, self.exchange.clock.now())

    # --- how much ---------------------------------------------------------------------------

    def _demand(self) -> Demand:
        floor, want = self._money() if self._has_budget else (0, 0)
        return Demand(
            meters=self.meters,
            requests=1,
            in_flight=1,
            tokens=self.payments.expected.tokens(
                self.bound, self.key_id, self.attempt.target.model
            )
            if self.meters
            else 0,
            money_floor_nano=floor,
            money_want_nano=want,
        )

    def _money(self) -> tuple[int, int]:
        """
        Return the least with which the attempt makes sense, and its worst case, in nano-USD.

        Raises:
            BudgetExceeded: there is no price.
            InvalidRequest: there is no worst case.
        """
        if self.bound is FREE:
            return 0, 0
        policy = self.payments.settings.unbounded_requests
        if isinstance(policy, HoldForUnbounded) and self.bound.unbounded:
            return policy.hold_nano, policy.hold_nano
        if self.dearest is None:
            raise self._unpriced()
        output = self._most_output()
        if output is None or self.bound.unbounded:
            raise self._unbounded()
        want = worst_nano(self.bound, self.dearest, output)
        floor = worst_nano(self.bound, self.dearest, self._least_output(output))
        if want is None or floor is None:
            raise self._unpriced()
        return floor, want

    def _most_output(self) -> int | None:
        """
        Return the longest answer that is worth holding for; None if there is no longest.

        Where neither the caller nor the catalog knows one, the gateway sets it: a cap beyond
        the model's own, which nobody knows, would be refused by the provider.
        """
        policy = self.payments.settings.when_short
        if self.bound.output_tokens is not None:
            return self.bound.output_tokens
        if not self.bound.may_lower or not isinstance(policy, LowerOutput):
            return None
        return max(policy.lower_output_to, self.bound.least_output)

    def _least_output(self, output: int) -> int:
        policy = self.payments.settings.when_short
        if not self.bound.may_lower or not isinstance(policy, LowerOutput):
            return output
        return min(output, max(policy.lower_output_to, self.bound.least_output))

    def _unpriced(self) -> BudgetExceeded:
        name = self.attempt.target.name
        self.exchange.explain(f"{name} has no price")
        msg = (
            "What this request costs is not known: the model, or something that is asked of "
            "it, has no price here, and this virtual key has a budget."
        )
        return BudgetExceeded(msg, code="model_unpriced")

    def _unbounded(self) -> InvalidRequest:
        what = ", ".join(self.bound.unbounded) or "an answer without a maximum length"
        self.exchange.explain(f"cannot be bounded: {what}")
        msg = (
            f"What this request may cost cannot be told beforehand ({what}), and this virtual "
            "key has a budget: leave that out, or set a maximum of output tokens."
        )
        return InvalidRequest(msg, code="request_unbounded")

    # --- held -------------------------------------------------------------------------------

    def _paid(self, hold: Hold) -> Payment:
        has_strict = hold.plan.strict > 0
        if has_strict and not self.bound.unbounded and self.dearest is not None:
            self._cap(output_tokens_for(self.bound, self.dearest, hold.money_nano))
        if hold.plan.meters:
            tell_rates(self.exchange, hold)
        if self._has_budget:
            self.exchange.explain(f"holds {usd(hold.money_nano)}")
        return Payment(
            hold=hold,
            bound=self.bound,
            priced=self.priced,
            dearest=self.dearest,
            ceiling_nano=hold.money_nano if has_strict else None,
        )

    def _cap(self, tokens: int) -> None:
        """
        Let the answer be no longer than *tokens*, which is what was held.
        """
        asked = self.bound.output_tokens
        if asked is not None and tokens >= asked:
            return
        self.attempt.request.max_output_tokens = tokens
        self.exchange.response_headers[CAP_HEADER] = str(tokens)
        self.exchange.explain(f"output capped at {tokens} tokens, of {asked or 'any'}")
        self.bound = attrs.evolve(self.bound, output_tokens=tokens)


def _prompt_tokens(exchange: Exchange) -> int:
    """
    Estimate the tokens of a prompt for a rule, before its target is known.
    """
    bound = bound_of(exchange.request, UNKNOWN, exchange.operation)
    return -(-bound.text_tokens // _BYTES_PER_TOKEN) + bound.media_tokens


def _never_arrived(attempt: Attempt) -> bool:
    error = attempt.error
    return error is not None and error.details.get("failure") in _NEVER_SENT
