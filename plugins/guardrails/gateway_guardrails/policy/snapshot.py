"""
The guardrails that are in force, and which of them count for an exchange.

A guardrail is chosen once per exchange: either before a target is known, or, where it is attached
to models or providers or its condition names them, for each target.  The two never overlap.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs

from gateway import StashKey
from gateway.conditions import ConditionFailed
from gateway.errors import InvalidRequest, quoted
from gateway_guardrails.policy.facts import Facts, depends_on_target
from gateway_guardrails.policy.guardrail import Guardrail, Scope
from gateway_guardrails.policy.names import matches_any
from gateway_guardrails.policy.nesting import is_asking

if TYPE_CHECKING:
    from gateway import Exchange, Identity, Target

#: Headers by which a caller adds guardrails, Bifrost's among them.
ADDING_HEADERS: Final = ("x-gw-guardrails", "x-bf-guardrail-ids", "x-bf-guardrail-id")
#: So many one exchange may add.
MAX_ADDED: Final = 32


class GuardrailUnknown(InvalidRequest):
    """
    A caller asked for guardrails that there are not, or not for this caller.
    """

    code: ClassVar[str] = "guardrail_unknown"


@attrs.frozen
class _Chosen:
    """
    What counts for an exchange whatever its target, and what the target decides.

    Attributes:
        snapshot: Nobody reads it: while it is kept, its judges are not closed.
    """

    snapshot: PolicySnapshot
    now: tuple[Guardrail, ...]
    later: tuple[Guardrail, ...]


_CHOSEN: Final[StashKey[_Chosen]] = StashKey("guardrails.chosen")


@attrs.define(eq=False, kw_only=True)
class PolicySnapshot:
    """
    All guardrails of a gateway, as they are between two changes.

    Attributes:
        version: Differs from that of every snapshot that may judge otherwise.
        guardrails: All, by name.
    """

    version: str
    guardrails: tuple[Guardrail, ...] = ()
    #: Those that look by themselves, for what guardrails ask themselves.
    _unasked: tuple[Guardrail, ...] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._unasked = tuple(
            attrs.evolve(one, judges=()) if one.judges else one
            for one in self.guardrails
            if one.texts
        )

    def for_request(self, exchange: Exchange) -> tuple[Guardrail, ...]:
        """
        Return the guardrails that count whatever the target of *exchange* is.

        Asked again for the same exchange, the answer is the same, though the snapshot may be
        another one by then: an exchange keeps what it began with.

        Raises:
            GuardrailUnknown: The caller asks for one that there is not.
        """
        return self._chosen(exchange).now

    def for_target(self, exchange: Exchange, target: Target) -> tuple[Guardrail, ...]:
        """
        Return the further guardrails that count because of *target*.

        None of them is one of `for_request`.

        Raises:
            GuardrailUnknown: As there, if that was not asked before.
        """
        chosen = self._chosen(exchange)
        if not chosen.later:
            return ()
        facts = Facts(exchange=exchange, target=target)
        return tuple(
            guardrail
            for guardrail in chosen.later
            if (
                not guardrail.scope.concerns_targets
                or _is_of_caller(guardrail.scope, exchange.identity)
                or _is_of_target(guardrail.scope, target)
            )
            and _holds(guardrail, facts)
        )

    def for_any_target(self, exchange: Exchange) -> tuple[Guardrail, ...]:
        """
        Return the further guardrails that some target would make count.

        For an answer of which nobody knows whose it is: a cache's.
        """
        return self._chosen(exchange).later

    def find(self, name: str) -> Guardrail | None:
        """
        Return the guardrail *name*, or None.
        """
        return next((one for one in self.guardrails if one.name == name), None)

    def _chosen(self, exchange: Exchange) -> _Chosen:
        chosen = exchange.stash.get(_CHOSEN)
        if chosen is None:
            chosen = exchange.stash[_CHOSEN] = self._choose(exchange)
        return chosen

    def _choose(self, exchange: Exchange) -> _Chosen:
        added = asked_for(exchange)
        now: list[Guardrail] = []
        later: list[Guardrail] = []
        known: set[str] = set()
        facts = Facts(exchange=exchange)
        is_own = exchange.parent is not None and is_asking()
        for guardrail in self._unasked if is_own else self.guardrails:
            scope = guardrail.scope
            is_here = _is_here(scope, exchange)
            if not (is_here or scope.concerns_targets):
                continue
            if guardrail.is_on_request:
                if guardrail.name not in added:
                    continue
                known.add(guardrail.name)
            if not is_here or depends_on_target(guardrail.condition):
                later.append(guardrail)
            elif _holds(guardrail, facts):
                now.append(guardrail)
        if not is_own:
            _check_known(added, known)
        return _Chosen(self, tuple(now), tuple(later))


def asked_for(exchange: Exchange) -> tuple[str, ...]:
    """
    Return the names of the guardrails that the caller adds.

    Raises:
        GuardrailUnknown: They are too many.
    """
    told = [
        name.strip()
        for header in ADDING_HEADERS
        for value in exchange.headers.getall(header, ())
        for name in value.split(",")
    ]
    names = tuple(dict.fromkeys(name for name in told if name))
    if len(names) > MAX_ADDED:
        msg = f"A request may ask for {MAX_ADDED} guardrails, not {len(names)}."
        raise GuardrailUnknown(msg)
    return names


def _check_known(added: Iterable[str], known: Collection[str]) -> None:
    unknown = [name for name in added if name not in known]
    if unknown:
        told = ", ".join(quoted(name[:64]) for name in unknown)
        msg = f"There is no guardrail here that can be asked for by this name: {told}"
        raise GuardrailUnknown(msg)


def _is_here(scope: Scope, exchange: Exchange) -> bool:
    """
    Tell whether a guardrail of *scope* counts for the caller, or for the name asked for.
    """
    if scope.is_global or _is_of_caller(scope, exchange.identity):
        return True
    asked = exchange.request.model
    return bool(scope.models) and matches_any(scope.models, asked)


def _is_of_caller(scope: Scope, identity: Identity | None) -> bool:
    if identity is None or not scope.concerns_callers:
        return False
    facts: Any = identity.facts
    return (
        identity.key_id in scope.virtual_keys
        or identity.key_name in scope.virtual_keys
        or identity.team_id in scope.teams
        or facts.get("team_name") in scope.teams
        or identity.customer_id in scope.customers
        or facts.get("customer_name") in scope.customers
    )


def _is_of_target(scope: Scope, target: Target) -> bool:
    return target.provider in scope.providers or (
        bool(scope.models)
        and matches_any(scope.models, target.model, target.name, target.asked)
    )


def _holds(guardrail: Guardrail, facts: Facts) -> bool:
    """
    Tell whether the condition of *guardrail* holds, or cannot be told not to.
    """
    if guardrail.condition is None:
        return True
    try:
        return guardrail.condition.holds(facts.get) is not False
    except ConditionFailed:
        return True  # what cannot be ruled out counts
