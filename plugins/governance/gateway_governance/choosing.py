"""
The targets of one exchange: routing rules, then weights of providers, then what the key may use.

A rule decides before weights do, and neither grants anything: what comes out was authorised, each
target together with the name that led to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import TYPE_CHECKING

import attrs

from gateway.errors import ExchangeError, ModelNotFound, UnsupportedOperation
from gateway_governance.access import Access, AccessTable, Resolve, no_model
from gateway_governance.bodies import asked_of_provider
from gateway_governance.facts import Facts, Used, Who, split_name
from gateway_governance.rules import Decision, Leg, RuleFailed, RuleSet
from gateway_governance.weights import spread

if TYPE_CHECKING:
    from gateway import Exchange, Target


@attrs.frozen(kw_only=True)
class Chooser:
    """
    Chooses the targets of exchanges, by one snapshot of rules.

    Args:
        access: Outlives the snapshot: it remembers decisions.
        random: Draws by weight; a seeded one draws the same again.
    """

    rules: RuleSet
    access: AccessTable
    random: Random

    def choose(
        self,
        exchange: Exchange,
        targets: Sequence[Target],
        who: Who,
        *,
        used: Callable[[], Used],
        input_tokens: Callable[[], int],
    ) -> Sequence[Target]:
        """
        Return the targets to try, of the router's *targets* and those that rules lead to.

        Args:
            used: What is used of the caller's limits; called if a rule asks.
            input_tokens: An estimate for the request; likewise.

        Raises:
            NotAllowed: The key may use none of them.
            ModelNotFound: There is no such model, to a key that may not know of others.
            RuleFailed: A rule cannot be evaluated, or leads nowhere.
        """
        access = self.access.of(who.key, who.team, exchange.settings.digest)
        decision = Decision()
        if self.rules.concerns(who):
            facts = Facts(
                exchange=exchange, who=who, used=used, input_tokens=input_tokens
            )
            decision = self._decide(exchange, facts)
        if decision.legs:
            targets = self._led(exchange, targets, decision, access)
        else:
            targets = self._widened(exchange, exchange.request.model, targets, access)
            if decision.fallbacks is not None:
                targets = (*_first_choices(targets), *_further(exchange, decision))
        return self._narrowed(exchange, targets, access)

    def leaves_alone(self, exchange: Exchange, who: Who) -> bool:
        """
        Tell whether `choose` would return the router's targets as they are.
        """
        access = self.access.of(who.key, who.team, exchange.settings.digest)
        return access.is_open and not self.rules.concerns(who)

    def authorise(self, exchange: Exchange, target: Target, who: Who) -> None:
        """
        Make sure that an attempt's real *target* may be used.

        So must be the models that the request lets the provider ask instead.

        Raises:
            NotAllowed: 403 ``model_blocked`` or ``provider_blocked``.
            InvalidRequest: 400; it names too many others.
        """
        access = self.access.of(who.key, who.team, exchange.settings.digest)
        if access.is_open:
            return
        resolve = resolver_of(exchange)
        access.permit(target, resolve)
        for model in asked_of_provider(exchange.request.members):
            access.permit_instead(target, model, resolve)

    # --- rules ------------------------------------------------------------------------------

    def _decide(self, exchange: Exchange, facts: Facts) -> Decision:
        try:
            decision = self.rules.decide(facts, self.random)
        except RuleFailed as failed:
            told = failed.details
            exchange.explain(f"{told['before']}; {told['rule']}: failed, {told['why']}")
            raise
        exchange.explain(decision.why)
        return decision

    def _led(
        self,
        exchange: Exchange,
        targets: Sequence[Target],
        decision: Decision,
        access: Access,
    ) -> Sequence[Target]:
        """
        Find the targets that a rule leads to, with the fallbacks behind them.
        """
        found: list[Target] = []
        for leg in decision.legs:
            further = self._of_leg(exchange, leg, access)
            # Behind the first leg all is a fallback, in the order of weights.
            found += further if not found else _as_fallbacks(further)
        if not found:
            exchange.explain(f"{decision.why}; {decision.rule}: leads nowhere")
            msg = "A routing rule leads to a model that is not here."
            raise RuleFailed(msg, details={"rule": decision.rule})
        source = f"rule {decision.rule}"
        led = [attrs.evolve(target, source=source) for target in found]
        if decision.fallbacks is not None:
            return (*led, *_further(exchange, decision))
        own = (target for target in targets if target.source.startswith("request."))
        return (*led, *own)

    def _of_leg(self, exchange: Exchange, leg: Leg, access: Access) -> Sequence[Target]:
        found = _targets(exchange, leg.name)
        if leg.provider:
            declared = _targets(exchange, leg.model)
            here = [one for one in declared if one.provider == leg.provider]
            # A name of the settings means the target that it declares at this provider.
            found = here if here and here[0].model != leg.model else found
        else:
            found = self._widened(exchange, leg.name, found, access)
        if leg.key is not None:
            return [target.with_key(leg.key) for target in found]
        return found

    # --- weights ----------------------------------------------------------------------------

    def _widened(
        self, exchange: Exchange, name: str, targets: Sequence[Target], access: Access
    ) -> Sequence[Target]:
        """
        Add the weighted providers that have *name* too, and let the weights choose.

        Whoever names a provider, by itself or by a name of the settings, gets that; for a
        model's own name all weighted providers that have it are candidates.
        """
        first = _first_choices(targets)
        if access.is_open or (first and first[0].source == "asked"):
            return targets
        if not first or first[0].source in {"providers", "catalog"}:
            offered = self._offered(exchange, name, access)
            if offered:
                rest = [target for target in targets if target.is_fallback]
                targets = (*offered, *rest)
        if not access.weights:
            return targets
        return spread(targets, access.weights, self.random)

    def _offered(
        self, exchange: Exchange, name: str, access: Access
    ) -> Sequence[Target]:
        """
        Find who has the model *name* itself, among the providers that this key may choose.
        """
        if split_name(name, exchange)[0]:
            return ()
        offered = [*exchange.offers(name)]
        present = {target.provider for target in offered}
        for provider in access.weights:
            # A provider that passes every name on has what the operator says it has.
            if provider not in present and access.spells_out(provider, name):
                found = _targets(exchange, f"{provider}/{name}")
                offered += [attrs.evolve(target, asked=name) for target in found]
        if access.weights:
            weighted = [one for one in offered if one.provider in access.weights]
            if weighted:
                return weighted
        allowed, _ = access.narrow(offered, resolver_of(exchange))
        # Several without a weight are as ambiguous as they were.
        return offered if len({one.provider for one in allowed}) == 1 else ()

    # --- what may be used -------------------------------------------------------------------

    def _narrowed(
        self, exchange: Exchange, targets: Sequence[Target], access: Access
    ) -> Sequence[Target]:
        if access.is_open:
            return targets
        allowed, denial = access.narrow(targets, resolver_of(exchange))
        if not _first_choices(targets):
            raise _nobody(exchange, access)
        if not allowed and denial is not None:
            raise denial.error()
        return allowed


def _nobody(exchange: Exchange, access: Access) -> ExchangeError:
    """
    Say that nobody has the model, or several have, naming only what the key may use.
    """
    name = exchange.request.model
    if not access.may_ask(name):
        return no_model(name).error()
    several, _ = access.narrow(exchange.offers(name), resolver_of(exchange))
    if len(several) < 2:
        return ModelNotFound(name)
    ways = ", ".join(f'"{target.name[:200]}"' for target in several[:5])
    msg = f"Several providers have this model; ask for one of {ways}."
    return ModelNotFound(name, msg)


def resolver_of(exchange: Exchange) -> Resolve:
    """
    Return the router's way from names to targets, as *exchange* would speak with them.
    """

    def resolve(name: str) -> Sequence[Target]:
        return _targets(exchange, name)

    return resolve


def _targets(exchange: Exchange, name: str) -> Sequence[Target]:
    """
    Ask the router; where it has nobody for *name*, or several, there are none.
    """
    try:
        return exchange.targets(name)
    except (ModelNotFound, UnsupportedOperation):
        return ()


def _further(exchange: Exchange, decision: Decision) -> Iterable[Target]:
    for name in decision.fallbacks or ():
        for target in _as_fallbacks(_targets(exchange, name)):
            yield attrs.evolve(target, source=f"rule {decision.rule}")


def _as_fallbacks(targets: Iterable[Target]) -> list[Target]:
    return [attrs.evolve(target, is_fallback=True, weight=0) for target in targets]


def _first_choices(targets: Iterable[Target]) -> list[Target]:
    return [target for target in targets if not target.is_fallback]
