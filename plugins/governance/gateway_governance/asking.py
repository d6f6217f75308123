"""
One attempt that asks for what it may cost, and what it holds then.

Money holds the worst case of what is sent, so the output cap that goes upstream is the one that
was held.  Tokens hold what is to be expected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from gateway import Attempt, BudgetExceeded, Exchange
from gateway.errors import InvalidRequest
from gateway_governance.admission import Admitted, hold_request
from gateway_governance.answers import outage_of, refusal_of, told, usd
from gateway_governance.bodies import THREAD
from gateway_governance.bounds import FREE, Bound, output_tokens_for, worst_nano
from gateway_governance.counting import tokenizer_of
from gateway_governance.entities import Unit
from gateway_governance.ledger.authority import AuthorityFailed
from gateway_governance.ledger.meters import Demand, Short, SlotsInUse
from gateway_governance.rate_headers import tell_rates
from gateway_governance.settings import HoldForUnbounded

if TYPE_CHECKING:
    from gateway.catalog import Dearest
    from gateway_governance.books import Terms
    from gateway_governance.ledger.meters import Meter
    from gateway_governance.ledger.pool import Hold
    from gateway_governance.listening import Listener
    from gateway_governance.payments import Payments
    from gateway_governance.pricing import Priced

#: Tells the caller that its answer may be shorter than it asked for.
CAP_HEADER: Final = "x-gw-output-cap"


@attrs.define(eq=False, kw_only=True)
class Payment:
    """
    What one attempt holds, and by what it will be priced.

    Attributes:
        bound: Of the request as it is sent, its cap the one that was held.
        priced: None where the model has no price and no budget minds.
        dearest: None where *priced* is, or where something that is asked for has no price.
        ceiling_nano: The most that is charged for what the provider does not account for.
        joined: How many meters of *hold*, the last ones, are the request's own.
        listener: Counts the stream, while there is one.
    """

    hold: Hold
    bound: Bound
    priced: Priced | None
    dearest: Dearest | None
    ceiling_nano: int | None
    joined: int = 0
    listener: Listener | None = None


@attrs.define(eq=False, kw_only=True)
class Asking:
    """
    One attempt that asks for what it may cost.

    Attributes:
        joined: How many of the meters, the last ones, are the request's own, which it asks for
            along with its first attempt.
    """

    payments: Payments
    exchange: Exchange
    attempt: Attempt
    admitted: Admitted
    terms: Terms
    meters: tuple[Meter, ...]
    joined: int
    has_budget: bool
    bound: Bound
    dearest: Dearest | None
    #: The longest answer of the worst case that was asked for; None where there is none.
    output: int | None = None

    # --- asking -----------------------------------------------------------------------------

    async def check(self) -> None:
        """
        Say what `pay` would, holding nothing.
        """
        checked = await self.payments.ledger.check(self._demand())
        if checked.short is not None:
            raise self._refused(checked.short)
        if self.has_budget:
            self.exchange.explain(f"would hold {usd(checked.money_nano)}")

    def charge_nano(self) -> int:
        """
        Return what is charged where nobody is asked; the most of it while that is not known.
        """
        charge_of = self.attempt.charge_of
        if charge_of is None:
            return self.attempt.charge_nano
        _, worst_nano = self._money() if self.has_budget else (0, 0)
        return charge_of(worst_nano)

    async def pay(self) -> Payment:
        """
        Hold what the attempt may cost; where that is too much, count exactly and try again.
        """
        ledger = self.payments.ledger
        demand = self._demand()
        try:
            hold = ledger.try_hold(demand)
            if hold is None and self.joined:
                demand, hold = await self._apart(demand)
            if hold is None:
                hold = await ledger.hold(demand)
        except Short as short:
            demand, hold = await self._pay_less(short)
        except (AuthorityFailed, SlotsInUse) as failed:
            raise outage_of(failed) from failed
        try:
            payment = self._paid(hold, demand.money_want_nano)
        except BaseException:
            ledger.release(hold)
            raise
        self.admitted.due = None
        return payment

    async def _apart(self, demand: Demand) -> tuple[Demand, Hold | None]:
        """
        Hold the request first, for something stands in the way, and whose it is matters.
        """
        ledger, admitted = self.payments.ledger, self.admitted
        if ledger.learn(self.meters) and (hold := ledger.try_hold(demand)) is not None:
            return demand, hold
        await hold_request(ledger, self.exchange, admitted)
        self.joined, self.meters = 0, self.terms.meters
        if admitted.run is not None:
            self.meters = admitted.run.with_meters(self.meters)
        demand = self._demand()
        return demand, ledger.try_hold(demand)

    async def _pay_less(self, short: Short) -> tuple[Demand, Hold]:
        """
        Ask again with a bound that was counted, and wait where only others are in the way.
        """
        if short.meter.unit is Unit.MONEY:
            await self._tighten()
        demand = self._demand()
        try:
            return demand, await self.payments.ledger.hold(
                demand, wait_s=self.payments.settings.wait.up_to_s
            )
        except Short as still:
            raise self._refused(still) from None
        except (AuthorityFailed, SlotsInUse) as failed:
            raise outage_of(failed) from failed

    async def _tighten(self) -> None:
        # Another vendor's tokenizer only estimates, and an estimate holds no budget.
        facts = self.terms.facts
        if tokenizer_of(facts.model or self.attempt.target.model).is_exact:
            self.bound = await self.payments.counter.tighten(
                self.bound, self.attempt.request, facts, above_tokens=0
            )
            self.dearest = self.terms.dearest(self.bound)

    def _refused(self, short: Short) -> Exception:
        self.exchange.explain(told(short))
        return refusal_of(short, self.exchange.clock.now())

    # --- how much ---------------------------------------------------------------------------

    def _demand(self) -> Demand:
        floor, want = self._money() if self.has_budget else (0, 0)
        return Demand(
            meters=self.meters,
            requests=1,
            in_flight=1,
            tokens=self.payments.expected.tokens(
                self.bound, self.terms.key_id, self.attempt.target.model
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
        bound, dearest = self.bound, self.dearest
        if bound.unbounded:
            policy = self.payments.settings.unbounded_requests
            if isinstance(policy, HoldForUnbounded):
                return policy.hold_nano, policy.hold_nano
        if dearest is None:
            raise self._unpriced()
        output = self.output = self._most_output()
        if output is None or bound.unbounded:
            raise self._unbounded()
        least = self._least_output(output)
        want = floor = worst_nano(bound, dearest, output)
        if least != output:
            floor = worst_nano(bound, dearest, least)
        if want is None or floor is None:
            raise self._unpriced()
        return floor, want

    def _most_output(self) -> int | None:
        """
        Return the longest answer that is worth holding for; None if there is no longest.

        Where neither the caller nor the catalog knows one, the gateway sets it: a cap beyond
        the model's own, which nobody knows, would be refused by the provider.
        """
        bound, lower_to = self.bound, self.payments.lower_to
        if bound.output_tokens is not None:
            return bound.output_tokens
        if not bound.may_lower or lower_to is None:
            return None
        return max(lower_to, bound.least_output)

    def _least_output(self, output: int) -> int:
        bound, lower_to = self.bound, self.payments.lower_to
        if lower_to is None or output <= lower_to or not bound.may_lower:
            return output
        return min(output, max(lower_to, bound.least_output))

    def _unpriced(self) -> BudgetExceeded:
        name = self.attempt.target.name
        self.exchange.explain(f"{name} has no price")
        msg = (
            "What this request costs is not known: the model, or something that is asked of "
            "it, has no price here, and this virtual key has a budget."
        )
        return BudgetExceeded(msg, code="model_unpriced")

    def _unbounded(self) -> InvalidRequest:
        unbounded = self.bound.unbounded
        what = ", ".join(unbounded) or "an answer without a maximum length"
        self.exchange.explain(f"cannot be bounded: {what}")
        remedy = "leave that out" if unbounded else "set a maximum of output tokens"
        msg = (
            f"What this request may cost cannot be told beforehand ({what}), and this virtual "
            f"key has a budget: {remedy}. Operator: see "
            "plugins.governance.unbounded_requests."
        )
        # By the other code Anthropic's SDK knows to send the whole conversation instead.
        is_thread = unbounded == (THREAD,)
        code = "thread_unsupported_request" if is_thread else "request_unbounded"
        return InvalidRequest(msg, code=code)

    # --- held -------------------------------------------------------------------------------

    def _paid(self, hold: Hold, want_nano: int) -> Payment:
        plan, money_nano, bound = hold.plan, hold.amounts[0], self.bound
        if self.has_budget:
            self.exchange.explain(f"holds {usd(money_nano)}")
        if plan.strict and self.dearest is not None and not bound.unbounded:
            if money_nano < want_nano:
                self._cap(output_tokens_for(bound, self.dearest, money_nano))
            elif bound.output_tokens is None and self.output is not None:
                # The worst case was held, with the longest answer that is worth it.
                self._cap(self.output)
        if plan.rates:
            tell_rates(self.exchange, hold)
        return Payment(
            hold=hold,
            bound=bound,
            priced=self.terms.priced,
            dearest=self.dearest,
            ceiling_nano=money_nano if plan.strict else None,
            joined=self.joined,
        )

    def _cap(self, tokens: int) -> None:
        """
        Let the answer be no longer than *tokens*, which is what was held.
        """
        asked = self.bound.output_tokens
        if asked is not None and tokens >= asked:
            return
        exchange = self.exchange
        self.attempt.request.max_output_tokens = tokens
        exchange.response_headers[CAP_HEADER] = str(tokens)
        exchange.explain(
            f"{exchange.reason}, output capped at {tokens} tokens of {asked or 'any'}"
        )
        self.bound.output_tokens = tokens
