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

from gateway import Attempt, AttemptState, BudgetExceeded, Exchange
from gateway.catalog import UNKNOWN
from gateway.errors import InvalidRequest
from gateway_governance.admission import Admitted, admitted_of, hold_request
from gateway_governance.answers import outage_of, refusal_of, told, usd
from gateway_governance.billing import bill_of, row_of
from gateway_governance.bodies import THREAD
from gateway_governance.bounds import (
    FREE,
    Bound,
    bound_of,
    output_tokens_for,
    worst_nano,
)
from gateway_governance.charges import bill_of_charge, hold_charge
from gateway_governance.counting import tokenizer_of
from gateway_governance.entities import Unit
from gateway_governance.facts import Used
from gateway_governance.ledger.authority import AuthorityFailed
from gateway_governance.ledger.meters import Actual, Demand, Short, SlotsInUse
from gateway_governance.rate_headers import tell_rates
from gateway_governance.settings import HoldForUnbounded, LowerOutput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway import ModelListing, Target
    from gateway.catalog import Dearest
    from gateway_governance.books import Books, Terms
    from gateway_governance.counting import Counter
    from gateway_governance.expected import Expected
    from gateway_governance.ledger.ledger import Ledger
    from gateway_governance.ledger.meters import Meter
    from gateway_governance.ledger.pool import Hold
    from gateway_governance.listening import Listener
    from gateway_governance.pricing import Priced
    from gateway_governance.settings import GovernanceSettings
    from gateway_governance.snapshot import Found

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
class Payments:
    """
    Holds and settles what attempts cost.

    Args:
        books: Returns what is in force.
    """

    settings: GovernanceSettings
    ledger: Ledger
    books: Callable[[], Books]
    counter: Counter
    expected: Expected
    #: To how many tokens an output cap may be lowered; None: not at all.
    lower_to: int | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        policy = self.settings.when_short
        if isinstance(policy, LowerOutput):
            self.lower_to = policy.lower_output_to

    def choose(self, exchange: Exchange, targets: Sequence[Target]) -> Sequence[Target]:
        """
        Return the targets to try, by rules, weights and what the key may use.

        Raises:
            NotAllowed: The key may use none of them.
            ModelNotFound: There is no such model, to a key that may not know of others.
            RuleFailed: A rule cannot be evaluated, or leads nowhere.
        """
        admitted, chooser = admitted_of(exchange), self.books().chooser
        if chooser.leaves_alone(exchange, admitted):
            return targets
        return chooser.choose(
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
        meters = [
            meter for owner in found.chain for meter in snapshot.owner_meters(owner)
        ]
        used = {
            standing.meter: (standing.limit, standing.spent + standing.held)
            for standing in self.ledger.known(meters)
        }
        if admitted.due is not None:  # this request counts, though nothing holds it yet
            for meter in admitted.due.meters:
                limit, amount = used.get(meter, (meter.limit, 0))
                used[meter] = limit, amount + 1
        shares: dict[Unit, float] = {}
        for meter, (limit, amount) in used.items():
            share = 100 * amount / limit if limit else 100.0
            shares[meter.unit] = max(share, shares.get(meter.unit, 0.0))
        return Used(
            money=shares.get(Unit.MONEY, 0.0),
            tokens=shares.get(Unit.TOKENS, 0.0),
            requests=shares.get(Unit.REQUESTS, 0.0),
        )

    async def hold(self, exchange: Exchange, attempt: Attempt) -> None:
        """
        Hold what *attempt* may cost, and lower its output cap to that.

        Of an answer that was kept it holds what is charged for it.

        Raises:
            NotAllowed: 403, the key may not use the target.
            BudgetExceeded: 402, the money is spent, or the model has no price.
            RateLimited: 429, tokens, or money that others hold.
            InvalidRequest: 400, what it costs cannot be told beforehand.
        """
        books, admitted = self.books(), admitted_of(exchange)
        books.chooser.authorise(exchange, attempt.target, admitted)
        if attempt.joined:
            await self._charge(exchange, attempt, books, admitted)
            return
        asking = self._asking(exchange, attempt, books, admitted)
        if exchange.dry_run:
            await asking.check()
            return
        if admitted.due is not None and not asking.joined:
            await hold_request(self.ledger, exchange, admitted)
        payment = await asking.pay()
        admitted.payments[attempt.number] = payment
        attempt.hold_nano = payment.hold.money_nano
        self.ledger.sent(payment.hold)

    async def _charge(
        self, exchange: Exchange, attempt: Attempt, books: Books, admitted: Admitted
    ) -> None:
        """
        Hold what is charged for an answer that nobody is asked for, if anything is.
        """
        if not attempt.charge_nano and attempt.charge_of is None:
            exchange.explain("nobody is asked, and nothing is charged")
            return
        asking = self._asking(exchange, attempt, books, admitted)
        hold = await hold_charge(
            self.ledger,
            exchange,
            asking.meters,
            asking.charge_nano(),
            wait_s=self.settings.wait.up_to_s,
        )
        if hold is None:
            return
        admitted.payments[attempt.number] = Payment(
            hold=hold, bound=FREE, priced=None, dearest=None, ceiling_nano=None
        )
        attempt.hold_nano = hold.money_nano
        if asking.has_budget and not hold.money_nano:
            attempt.charge_of = (
                None  # free for this caller, whatever another pays for it
            )
        self.ledger.sent(hold)

    def _asking(
        self, exchange: Exchange, attempt: Attempt, books: Books, admitted: Admitted
    ) -> _Asking:
        target = attempt.target
        terms = books.terms(
            admitted.found, target.provider, target.model, exchange.clock.now()
        )
        attempt.tariff = terms.tariff
        bound = bound_of(attempt.request, terms.facts, exchange.operation)
        meters, has_budget, joined = terms.meters, terms.has_budget, 0
        if admitted.due is not None and terms.joined:
            meters, joined = terms.joint_meters, terms.joined
        if admitted.run is not None:
            meters = admitted.run.with_meters(meters)
            has_budget = any(meter.unit is Unit.MONEY for meter in meters)
        return _Asking(
            payments=self,
            exchange=exchange,
            attempt=attempt,
            admitted=admitted,
            terms=terms,
            meters=meters,
            joined=joined,
            has_budget=has_budget,
            bound=bound,
            dearest=terms.dearest(bound),
        )

    def settle(self, exchange: Exchange, attempt: Attempt) -> None:
        """
        Charge what *attempt* cost, or give back what it held.
        """
        admitted = admitted_of(exchange)
        payment = admitted.payments.pop(attempt.number, None)
        if payment is None:
            return
        is_free = attempt.joined and not attempt.charge_nano
        if attempt.not_sent or is_free or _never_arrived(attempt):
            if payment.joined:
                admitted.hold = self.ledger.part(
                    payment.hold, Actual(), None, payment.joined
                )
            else:
                self.ledger.release(payment.hold)
            return
        admitted.was_sent = True
        bill = (
            bill_of_charge(attempt)
            if attempt.joined
            else bill_of(exchange, attempt, payment)
        )
        if bill.cost_nano is not None:
            admitted.cost_nano = (admitted.cost_nano or 0) + bill.cost_nano
            exchange.cost_nano = admitted.cost_nano
            if attempt.cost_nano is None:  # for whoever pays a share of it
                attempt.cost_nano = bill.cost_nano
        usage = bill.usage
        prompt, answer = usage.total_input, usage.total_output
        actual = Actual(
            money_nano=bill.cost_nano or 0, tokens=prompt + answer, requests=1
        )
        row = row_of(exchange, attempt, admitted, payment, bill)
        if payment.joined and not _is_last(attempt):
            admitted.hold = self.ledger.part(payment.hold, actual, row, payment.joined)
        else:
            self.ledger.settle(payment.hold, actual, row)
        if not usage.is_estimated and bill.is_answer:
            bound, model = payment.bound, attempt.target.model
            self.counter.calibration.learn(bound, model, prompt)
            self.expected.learn(
                bound,
                None if admitted.found is None else admitted.found.key.id,
                model,
                input_tokens=prompt,
                output_tokens=answer,
            )


@attrs.define(eq=False, kw_only=True)
class _Asking:
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


def _prompt_tokens(exchange: Exchange) -> int:
    """
    Estimate the tokens of a prompt for a rule, before its target is known.
    """
    bound = bound_of(exchange.request, UNKNOWN, exchange.operation)
    return -(-bound.text_tokens // _BYTES_PER_TOKEN) + bound.media_tokens


def _is_last(attempt: Attempt) -> bool:
    """
    Tell whether the request has its answer, so that no other target is tried.
    """
    return attempt.error is None and attempt.state is AttemptState.ANSWERED


def _never_arrived(attempt: Attempt) -> bool:
    error = attempt.error
    return error is not None and error.details.get("failure") in _NEVER_SENT
