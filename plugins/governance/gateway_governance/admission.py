"""
Lets exchanges in: who calls, may they, how often.

What is found out is kept on the exchange as `Admitted`, for the hooks to come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import attrs

from gateway import (
    Drain,
    Exchange,
    NotAllowed,
    NotAuthenticated,
    Refused,
    StashKey,
)
from gateway_governance.answers import outage_of, refusal_of, told, usd
from gateway_governance.credentials import credential_of
from gateway_governance.entities import Customer, Team, VirtualKey
from gateway_governance.headers import attributed, check_required
from gateway_governance.ledger.authority import AuthorityFailed
from gateway_governance.ledger.ledger import Ledger
from gateway_governance.ledger.meters import Actual, Demand, Short, SlotsInUse
from gateway_governance.ledger.pool import Hold
from gateway_governance.rate_headers import tell_rates
from gateway_governance.runs import Named, Run, Runs, named_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.settings import Settings
    from gateway_governance.asking import Payment
    from gateway_governance.snapshot import Found, Snapshot

_BLOCKED: Final = {
    "inactive": "The virtual key is not active.",
    "expired": "The virtual key has expired.",
    "team removed": "The team of this virtual key was removed.",
    "customer removed": "The customer of this virtual key was removed.",
}
_REQUEST: Final = Actual(requests=1)
_NOTHING: Final = Actual()


@attrs.define(eq=False)
class Admitted:
    """
    What is known of an exchange that was let in; whom it shows as `facts.Who` does.

    Attributes:
        found: Its key, team and customer; None where no key was required and none shown.
        run: The run that it belongs to; None where the caller names none.
        due: What the request itself asks for, until its first attempt asks for it as well: one
            hold for both takes half as long as two.
        hold: The request itself and its place among those under way; None for a nested call,
            which has its parent's, where nothing limits either, and while an attempt holds it.
        payments: What its attempts hold, by their numbers.
        has_joined: Whether it counts among those of its run that are under way: a nested call
            does not.
        was_sent: Whether any attempt of it went upstream.
        cost_nano: What its attempts cost so far.
    """

    found: Found | None = None
    run: Run | None = None
    due: Demand | None = None
    hold: Hold | None = None
    payments: dict[int, Payment] = attrs.field(factory=dict)
    has_joined: bool = False
    was_sent: bool = False
    cost_nano: int | None = None

    @property
    def key(self) -> VirtualKey | None:
        """
        The virtual key.
        """
        return None if self.found is None else self.found.key

    @property
    def team(self) -> Team | None:
        """
        Its team.
        """
        return None if self.found is None else self.found.team

    @property
    def customer(self) -> Customer | None:
        """
        Its customer, or its team's.
        """
        return None if self.found is None else self.found.customer

    @property
    def run_id(self) -> str | None:
        """
        What the caller calls its run.
        """
        return None if self.run is None else self.run.run_id


#: On every exchange that was let in.
ADMITTED: Final = StashKey[Admitted]("governance.admitted")


@attrs.define(eq=False, kw_only=True)
class Admission:
    """
    Lets exchanges in.

    Args:
        snapshot: Returns the entities in force.
        requires_key: Tells, by the core's settings, whether callers without a virtual key
            are refused.
        required_headers: Names of headers that a request must have.
        runs: The runs that callers name.
        drain: How far a provider is listened to after its caller left.
    """

    snapshot: Callable[[], Snapshot]
    ledger: Ledger
    runs: Runs
    requires_key: Callable[[Settings], bool]
    required_headers: Sequence[str] = ()
    drain: Drain | None = None

    async def enter(self, exchange: Exchange) -> None:
        """
        Let *exchange* in, or refuse it.

        Raises:
            NotAuthenticated: no key where one is required, or none of ours.
            NotAllowed: the key may not be used.
            InvalidRequest: a required header is missing, or one that names a run is none.
            RateLimited: too many requests, too many at once, or too many runs.
        """
        if exchange.parent is not None:
            exchange.stash[ADMITTED] = _as_its_parent(exchange.parent)
            return
        found = self.identify(exchange)
        if self.required_headers:
            check_required(exchange.headers, self.required_headers)
        admitted = exchange.stash[ADMITTED] = Admitted(found)
        exchange.drain = self.drain
        if found is None:
            return
        named = named_in(exchange.headers)
        if named is not None:
            await self._join_run(exchange, admitted, found.key.id, named)
        demand = self.snapshot().request_demand(found)
        if not demand.meters:
            return
        if exchange.dry_run:
            await check_request(self.ledger, exchange, demand)
            return
        admitted.due = demand
        if not exchange.goes_straight:
            await hold_request(self.ledger, exchange, admitted)

    def leave(self, exchange: Exchange) -> None:
        """
        Settle the request itself; one that was refused counts for nothing.
        """
        admitted = exchange.stash.get(ADMITTED)
        if admitted is None:
            return
        if (
            admitted.has_joined
            and admitted.run is not None
            and admitted.key is not None
        ):
            self.runs.leave(admitted.key.id, admitted.run)
        if admitted.hold is None:
            return
        hold, admitted.hold = admitted.hold, None
        is_refused = exchange.error is not None and not admitted.was_sent
        self.ledger.settle(hold, _NOTHING if is_refused else _REQUEST, None)

    # --- who --------------------------------------------------------------------------------

    def identify(self, exchange: Exchange) -> Found | None:
        """
        Find out who calls, and note it on *exchange*.

        Raises:
            NotAuthenticated: no key where one is required, or none of ours.
            NotAllowed: the key may not be used.
            InvalidRequest: a header names an owner that is not under the key's own.
        """
        found = self._find(exchange)
        if found is None:
            return None
        if found.block:
            raise NotAllowed(_BLOCKED[found.block], code="virtual_key_blocked")
        found = attributed(exchange.headers, found, self.snapshot())
        exchange.identity = found.identity
        exchange.explain(f"key {found.identity.key_name}")
        return found

    def _find(self, exchange: Exchange) -> Found | None:
        snapshot, now = self.snapshot(), exchange.clock.now()
        if exchange.dry_run and exchange.explained_key is not None:
            key = snapshot.key_named(exchange.explained_key)
            if key is None:
                msg = "There is no virtual key of that name."
                raise NotAuthenticated(msg, code="virtual_key_not_found")
            return snapshot.found(key, now)
        value = credential_of(exchange.headers)
        if value is None:
            if self.requires_key(exchange.settings):
                msg = "A virtual key is required: send it as Authorization: Bearer."
                raise NotAuthenticated(msg)
            exchange.explain("no key, none required")
            return None
        found = snapshot.find(value, now)
        if found is None and self.requires_key(exchange.settings):
            msg = "The virtual key does not exist or has been revoked."
            raise NotAuthenticated(msg, code="virtual_key_not_found")
        if found is None:
            exchange.explain("not one of our keys, none required")
        return found

    async def _join_run(
        self, exchange: Exchange, admitted: Admitted, key_id: str, named: Named
    ) -> None:
        if exchange.dry_run:
            admitted.run = await self.runs.look(key_id, named)
        else:
            admitted.run = await self.runs.enter(key_id, named)
            admitted.has_joined = True
        meter = admitted.run.meter
        exchange.explain(f"a run of {usd(meter.limit)}" if meter else "a run")


# --- how often ------------------------------------------------------------------------------


async def hold_request(ledger: Ledger, exchange: Exchange, admitted: Admitted) -> None:
    """
    Hold what is due of *admitted* by itself.

    Raises:
        RateLimited: 429, too many requests, or too many at once.
        Unavailable: 503, nobody can tell.
    """
    demand, admitted.due = admitted.due, None
    if demand is None:
        return
    try:
        hold = ledger.try_hold(demand) or await ledger.hold(demand)
    except (Short, AuthorityFailed, SlotsInUse) as failed:
        raise _no_more(exchange, failed) from None
    admitted.hold = hold
    tell_rates(exchange, hold)


async def check_request(ledger: Ledger, exchange: Exchange, demand: Demand) -> None:
    """
    Say what `hold_request` would, holding nothing.
    """
    try:
        short = (await ledger.check(demand)).short
    except AuthorityFailed as failed:
        raise _no_more(exchange, failed) from None
    if short is not None:
        raise _no_more(exchange, short)


def _no_more(
    exchange: Exchange, failed: Short | AuthorityFailed | SlotsInUse
) -> Refused:
    if isinstance(failed, Short):
        exchange.explain(told(failed))
        refusal = refusal_of(failed, exchange.clock.now())
    else:
        refusal = outage_of(failed)
    # It is of the request, whatever target it is told at.
    refusal.ends = True
    return refusal


def admitted_of(exchange: Exchange) -> Admitted:
    """
    Return what is known of *exchange*; nothing, where it was never let in.
    """
    admitted = exchange.stash.get(ADMITTED)
    if admitted is None:
        admitted = exchange.stash[ADMITTED] = Admitted()
    return admitted


def _as_its_parent(parent: Exchange) -> Admitted:
    """
    Let a plugin's own call in, in its parent's name: it was counted and checked there.
    """
    admitted = admitted_of(parent)
    return Admitted(admitted.found, run=admitted.run)
