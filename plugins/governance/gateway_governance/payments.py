"""
What attempts may cost, and what they did: held before anything is sent, settled afterwards.

What broke off is charged an upper bound.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import attrs

from gateway import Attempt, AttemptState, Exchange
from gateway.catalog import UNKNOWN
from gateway_governance.admission import Admitted, admitted_of, hold_request
from gateway_governance.asking import Asking, Payment
from gateway_governance.billing import bill_of, row_of
from gateway_governance.bounds import FREE, bound_of
from gateway_governance.charges import bill_of_charge, hold_charge
from gateway_governance.entities import Unit
from gateway_governance.facts import Used
from gateway_governance.ledger.meters import Actual
from gateway_governance.settings import LowerOutput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway import ModelListing, Target
    from gateway_governance.books import Books
    from gateway_governance.counting import Counter
    from gateway_governance.expected import Expected
    from gateway_governance.ledger.ledger import Ledger
    from gateway_governance.settings import GovernanceSettings
    from gateway_governance.snapshot import Found

#: Of most text; what rules compare is no bound.
_BYTES_PER_TOKEN: Final = 4
#: Failures of which it is certain that nothing reached the provider.
_NEVER_SENT: Final = frozenset({"connect"})


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
    ) -> Asking:
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
        return Asking(
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
