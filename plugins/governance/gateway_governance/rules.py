"""
Routing rules: conditions in order, and where the first that holds leads.

The narrowest scope goes first, virtual key, team, customer, global; within a scope the lowest
priority, then the name.  The first rule that holds decides.  If it *chains*, the rules are gone
through again with the provider and model that it led to, up to `MAX_CHAINED` times; no rule holds
twice for one request.

A rule that cannot be evaluated refuses the request: it was written to send some traffic elsewhere,
and what cannot be told apart must not go where nobody meant it to.  An entry that a request does
not have, a header say, is no failure: then the condition does not hold.  ``skips_failed`` passes
failed rules over, as Bifrost does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from typing import Final

import attrs

from gateway import Unavailable
from gateway.conditions import Condition, ConditionFailed, ConditionInvalid
from gateway.errors import ModelNotFound, UnsupportedOperation
from gateway_governance.checks import Fault, Step
from gateway_governance.entities import RoutingRule, RoutingTarget
from gateway_governance.facts import VOCABULARY, Facts, Who
from gateway_governance.weights import shuffled

#: Rules that one request may go through one behind the other.
MAX_CHAINED: Final = 10
#: Sets of owners whose rules are remembered in order.
_MAX_REMEMBERED: Final = 4096
#: What a trail says of rules, in characters.
_MAX_TOLD: Final = 4000

#: Narrowest first.
_SCOPES: Final = ("virtual_key", "team", "customer", "global")


@attrs.frozen
class Leg:
    """
    One way that a rule leads.

    Attributes:
        provider: "" where neither the rule nor the request names one.
        model: The provider's name for it, or a name of the settings.
        key: The provider key to use; None is any.
    """

    provider: str
    model: str
    key: str | None = None

    @property
    def name(self) -> str:
        """
        The name to ask the router for.
        """
        return f"{self.provider}/{self.model}" if self.provider else self.model


@attrs.frozen(kw_only=True)
class Decision:
    """
    What the rules say of one request.

    Attributes:
        rule: Name of the rule that decided last; "" where none held.
        legs: Where it leads, the first to try first; empty leaves the targets as they are.
        fallbacks: Names to try after them; None leaves the request's own.
        why: The verdict of each rule that was looked at.
    """

    rule: str = ""
    legs: tuple[Leg, ...] = ()
    fallbacks: tuple[str, ...] | None = None
    why: str = ""


class RuleFailed(Unavailable):
    """
    A rule could not be evaluated, or leads nowhere; its name is for the trail alone.
    """

    code = "routing_rule_failed"
    sentence = "A routing rule could not be evaluated for this request."


@attrs.frozen(eq=False)
class _Compiled:
    rule: RoutingRule
    condition: Condition | None
    fault: str = ""

    def holds(self, facts: Facts) -> bool | None:
        if self.fault:
            raise ConditionFailed(self.fault)
        return self.condition is None or self.condition.holds(facts.get)


class RuleSet:
    """
    All rules of a snapshot, compiled.

    Args:
        skips_failed: Whether a rule that cannot be evaluated is passed over, instead of
            refusing the request.
    """

    def __init__(
        self, rules: Iterable[RoutingRule], *, skips_failed: bool = False
    ) -> None:
        self._skips_failed = skips_failed
        self._by_owner: dict[tuple[str, str | None], list[_Compiled]] = {}
        self._remembered: dict[tuple[str | None, ...], tuple[_Compiled, ...]] = {}
        for rule in sorted(rules, key=lambda rule: (rule.priority, rule.name)):
            if rule.is_enabled:
                place = (rule.scope, rule.scope_id)
                self._by_owner.setdefault(place, []).append(_compiled(rule))

    @property
    def problems(self) -> tuple[str, ...]:
        """
        What keeps rules from being evaluated, one sentence each.
        """
        return tuple(
            f'rule "{each.rule.name}": {each.fault}'
            for rules in self._by_owner.values()
            for each in rules
            if each.fault
        )

    def concerns(self, who: Who) -> bool:
        """
        Tell whether there is any rule for *who*.
        """
        return bool(self._by_owner) and bool(self._rules_for(who))

    def decide(self, facts: Facts, random: Random) -> Decision:
        """
        Go through the rules for one request.

        Raises:
            RuleFailed: One cannot be evaluated, and failed rules are not passed over.
        """
        left = list(self._rules_for(facts.who))
        decision = Decision()
        told: list[str] = []
        for _ in range(MAX_CHAINED):
            rule = self._first_that_holds(left, facts, told)
            if rule is None:
                break
            legs = _legs(rule, facts, random)
            if legs:
                facts.move_to(legs[0].name)
            decision = Decision(
                rule=rule.name,
                legs=legs or decision.legs,
                fallbacks=rule.fallbacks or decision.fallbacks,
            )
            if not rule.chains:
                break
        else:
            told.append(f"no further: {MAX_CHAINED} rules are chained at most")
        return attrs.evolve(decision, why=_joined(told))

    def _first_that_holds(
        self, left: list[_Compiled], facts: Facts, told: list[str]
    ) -> RoutingRule | None:
        """
        Find the first of *left* that holds, and take it out.
        """
        for each in left:
            name = each.rule.name
            try:
                holds = each.holds(facts)
            except ConditionFailed as exc:
                if not self._skips_failed:
                    details = {"rule": name, "why": str(exc), "before": _joined(told)}
                    raise RuleFailed(details=details) from exc
                told.append(f"{name}: skipped, {exc}")
                continue
            if holds:
                told.append(f"{name}: holds")
                left.remove(each)
                return each.rule
            told.append(f"{name}: {'no' if holds is False else 'no, entry absent'}")
        return None

    def _rules_for(self, who: Who) -> tuple[_Compiled, ...]:
        ids = (
            who.key.id if who.key else None,
            who.team.id if who.team else None,
            who.customer.id if who.customer else None,
        )
        rules = self._remembered.get(ids)
        if rules is None:
            found: list[_Compiled] = []
            for scope, scope_id in zip(_SCOPES, (*ids, None), strict=True):
                if scope_id is not None or scope == "global":
                    found += self._by_owner.get((scope, scope_id), ())
            rules = tuple(found)
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[ids] = rules
        return rules


def _compiled(rule: RoutingRule) -> _Compiled:
    try:
        return _Compiled(rule, VOCABULARY.read(rule.condition))
    except ConditionInvalid as exc:
        return _Compiled(rule, None, str(exc))


def _legs(rule: RoutingRule, facts: Facts, random: Random) -> tuple[Leg, ...]:
    weights = {number: target.weight for number, target in enumerate(rule.targets)}
    order = shuffled(weights, random)
    return tuple(_leg(rule.targets[number], facts) for number in order)


def _leg(target: RoutingTarget, facts: Facts) -> Leg:
    """
    Fill in from the request what *target* leaves open.
    """
    model = target.model if target.model is not None else facts.model
    if target.provider is not None:
        provider = target.provider
        model = model.removeprefix(f"{provider}/")
    elif _names_its_own(target.model, facts):
        provider = ""
    else:
        provider = facts.provider
    return Leg(provider, model, target.provider_key)


def _names_its_own(model: str | None, facts: Facts) -> bool:
    """
    Tell whether *model* says by itself which provider is meant.
    """
    if model is None:
        return False
    settings = facts.exchange.settings
    return model in settings.models or model.partition("/")[0] in settings.providers


def _joined(told: Sequence[str]) -> str:
    text = "; ".join(told)
    return text if len(text) <= _MAX_TOLD else f"{text[: _MAX_TOLD - 1]}…"


def model_faults(
    rule: RoutingRule, check_model: Callable[[str], None]
) -> Iterator[Fault]:
    """
    Yield which models that *rule* leads to nobody has.

    A target that leaves the provider to the request is left alone: whoever names one decides.

    Args:
        check_model: See `gateway.Plugin.model_problems`.
    """
    named: dict[tuple[Step, ...], str] = {
        ("targets", index, "model"): f"{target.provider}/{target.model}"
        for index, target in enumerate(rule.targets)
        if target.provider and target.model
    }
    named |= {("fallbacks", index): name for index, name in enumerate(rule.fallbacks)}
    for steps, name in named.items():
        try:
            check_model(name)
        except UnsupportedOperation:
            continue  # of another kind: a rule may be for embeddings alone
        except ModelNotFound as exc:
            yield Fault(steps, str(exc))
