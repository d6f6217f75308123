"""
The attempts of one exchange: which target and key next, after what wait, or none.

The relay drives it::

    plan = router.plan(targets)
    while (target := plan.next()) is not None:
        ...wait plan.wait_s, then try the target...
        plan.report(Report(...))
        ...leave the loop once a byte went to the caller...
    plan.close()

Every target is tried once, in order, where its health allows; that is failover, which
only the list of targets bounds.  A further attempt at a target that was tried is a
retry: `retries` bounds how many an exchange makes, the retry budget how many a provider
gets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import attrs

from gateway.routing.failures import NEVER, failure_of, nobody
from gateway.routing.health import Place
from gateway.routing.places import (
    blamed_place,
    choose_key,
    places_of,
    shared_places,
    standing,
    usable_keys,
)
from gateway.routing.retries import (
    Blame,
    Failure,
    Next,
    Report,
    Ruling,
    backoff_s,
    rule,
)
from gateway.routing.targets import Target

if TYPE_CHECKING:
    from gateway.errors import ExchangeError
    from gateway.providers.provider import Provider
    from gateway.routing.router import Router

_OF_A_KEY: Final = (Blame.KEY, Blame.KEY_AND_MODEL)
_CALLERS_OWN: Final = Ruling(Next.NOWHERE, is_well=True)

# What did not come from upstream says nothing of it.
_OURS: Final = (Failure.BUSY, Failure.REFUSED, Failure.LEFT)


@attrs.define(eq=False)
class _Past:
    """
    What an exchange remembers once an attempt failed.

    Attributes:
        tried: Names of the keys tried at a target since it was last come to, by index.
        again: Indices of targets whose failure may pass, the longest ago first.
        rest_s: How long a target asked to be left alone, by index.
        rotate: Index of the target that is to be tried with another key.
        blamed: Places whose health this exchange has counted against already: one
            request alone must not make a place cool.
    """

    tried: dict[int, set[str]] = attrs.field(factory=dict)
    again: list[int] = attrs.field(factory=list)
    rest_s: dict[int, float] = attrs.field(factory=dict)
    rotate: int | None = None
    blamed: set[Place] = attrs.field(factory=set)


@attrs.define(eq=False)
class Plan:
    """
    The attempts of one exchange; see `gateway.routing.plan`.

    Attributes:
        deadline: Monotonic seconds at which all attempts must have ended.
        party: Whose request it is, see `gateway.routing.health`.
        wait_s: How long to wait before the target that `next` returned is tried.
        retries: Further attempts made at targets that were tried.
        lines: What came of each attempt, and why targets were passed over; shown to
            callers, so without names of keys.
    """

    _router: Router
    _targets: Sequence[Target]
    deadline: float
    party: str = ""
    wait_s: float = attrs.field(default=0.0, init=False)
    retries: int = attrs.field(default=0, init=False)
    lines: list[str] = attrs.field(factory=list, init=False)
    _at: int = attrs.field(default=0, init=False)
    _index: int = attrs.field(default=-1, init=False)
    _current: Target | None = attrs.field(default=None, init=False)
    _probes: tuple[Place, ...] = attrs.field(default=(), init=False)
    _past: _Past | None = attrs.field(default=None, init=False)
    _telling: tuple[str, Report] | None = attrs.field(default=None, init=False)
    _ready_in_s: float = attrs.field(default=NEVER, init=False)
    _is_over: bool = attrs.field(default=False, init=False)

    @property
    def left_s(self) -> float:
        """
        Seconds until the deadline.
        """
        return self.deadline - self._router.monotonic()

    def next(self) -> Target | None:
        """
        Return the target to try now, its key chosen; None if there is none left.

        Must not be called once a byte went to the caller.
        """
        self._let_go()
        self.wait_s = 0.0
        if self._is_over:
            return None
        now = self._router.monotonic()
        if now >= self.deadline:
            self._give_up()
            return None
        if self._past is None:
            return self._untried(now)
        return (
            self._rotated(self._past, now)
            or self._untried(now)
            or self._retried(self._past, now)
        )

    def report(self, report: Report) -> Ruling:
        """
        Say what came of the target that `next` returned last.

        For a stream twice: when its first byte came, with the status, and again with
        `Failure.CUT` if it broke off afterwards.
        """
        target = self._current
        if target is None:
            msg = "report() is for a target that next() returned"
            raise RuntimeError(msg)
        ruling = rule(report)
        is_callers = self._router.providers[target.provider].auth == "caller"
        if is_callers and ruling.blame in _OF_A_KEY:
            ruling = _CALLERS_OWN  # it is about the caller's own credential
        if ruling.is_well:
            if not self._router.health.is_clean:
                self._router.health.succeeded(places_of(target))
        else:
            self._blame(target, ruling, report)
        self._probes = ()
        if ruling.next is Next.NOWHERE:
            self._is_over = True
        if ruling.next is not Next.NOWHERE or report.failure is not None:
            self._note(target, report)
            self._open(target, ruling, report)
        return ruling

    def close(self) -> None:
        """
        End the plan; gives back a probe whose attempt was never reported.
        """
        self._let_go()
        self._is_over = True

    def preview(self) -> list[tuple[Target, str]]:
        """
        List every target with how it stands, for a dry run; takes and counts nothing.
        """
        router = self._router
        now = router.monotonic()
        return [
            standing(
                router.providers.get(target.provider),
                target,
                router.health,
                now,
                self.party,
            )
            for target in self._targets
        ]

    def failure(self) -> ExchangeError:
        """
        Say why there is no target left, where no provider's own answer can be shown.
        """
        if self._telling is None:
            return nobody(self.lines, self._ready_in_s)
        return failure_of(*self._telling, self.lines)

    # -- which one is next -------------------------------------------------------

    def _untried(self, now: float) -> Target | None:
        """
        Go on in the list to the first target that is well.
        """
        while self._at < len(self._targets):
            index = self._at
            self._at += 1
            target = self._enter(index, now)
            if target is not None:
                self._router.budget(target.provider).asked()
                return target
        return None

    def _rotated(self, past: _Past, now: float) -> Target | None:
        """
        Try another key of the target that failed, at once.
        """
        index, past.rotate = past.rotate, None
        if index is None or not self._may_retry():
            return None
        return self._enter(index, now, is_retry=True)

    def _retried(self, past: _Past, now: float) -> Target | None:
        """
        Come back, after a wait, to a target whose failure may pass.
        """
        if not past.again or not self._may_retry():
            return None
        settings = self._router.settings
        backoff = backoff_s(
            self.retries,
            settings.backoff_initial_s,
            settings.backoff_max_s,
            self._router.random,
        )
        waiting, past.again = past.again, []
        for number, index in enumerate(waiting):
            rest = past.rest_s.get(index, 0.0)
            wait = max(backoff, rest)
            # Whoever asks for a long rest is believed: the caller hears it instead.
            if rest > settings.backoff_max_s or now + wait >= self.deadline:
                continue
            past.tried.pop(index, None)
            target = self._enter(index, now + wait, is_retry=True)
            if target is not None:
                past.again = waiting[number + 1 :]
                self.wait_s = wait
                return target
        return None

    def _may_retry(self) -> bool:
        return self.retries < self._router.settings.retries

    def _enter(
        self, index: int, now: float, *, is_retry: bool = False
    ) -> Target | None:
        """
        Choose the key for the target at *index*; None if it cannot be tried at *now*.
        """
        target = self._targets[index]
        router = self._router
        provider = router.providers.get(target.provider)
        if provider is None:
            self.lines.append(f"{target.name}: no such provider")
            return None
        if not router.health.is_clean:
            wait = router.health.waits_for(shared_places(target), now, self.party)
            if wait > 0.0:
                self._pass_over(target, wait)
                return None
        chosen = self._with_key(provider, target, index, now)
        if chosen is None:
            return None
        if is_retry:
            if not router.budget(target.provider).take():
                self.lines.append(f"{target.name}: the retry budget is spent")
                return None
            self.retries += 1
        if not router.health.is_clean:
            probes = router.health.enter(places_of(chosen), now, self.party)
            if probes is None:
                self._pass_over(target, 0.0)
                return None
            self._probes = probes
        self._index = index
        self._current = chosen
        return chosen

    def _with_key(
        self, provider: Provider, target: Target, index: int, now: float
    ) -> Target | None:
        if provider.auth != "key":
            return target
        router = self._router
        tried = self._past.tried.get(index, ()) if self._past else ()
        if target.key in provider.key_names and not tried and router.health.is_clean:
            return target
        keys = usable_keys(provider, target)
        if not keys:
            self.lines.append(f"{target.name}: no credential may be used for it")
            return None
        key, wait = choose_key(
            keys,
            target,
            without=tried,
            health=router.health,
            now=now,
            party=self.party,
            random=router.random,
        )
        if key is not None:
            return target if key.name == target.key else target.with_key(key.name)
        if wait < NEVER and not tried:
            self._pass_over(target, wait)
        return None

    def _pass_over(self, target: Target, wait_s: float) -> None:
        """
        Note that *target* is cooling.
        """
        self.lines.append(f"{target.name}: is cooling down")
        self._ready_in_s = min(self._ready_in_s, wait_s)

    # -- what came of it ---------------------------------------------------------

    def _blame(self, target: Target, ruling: Ruling, report: Report) -> None:
        """
        Count the failure against the place that it tells of, once an exchange.
        """
        health = self._router.health
        if report.status is not None and report.status < 500 and not health.is_clean:
            health.succeeded([(target.provider,)])  # it answers, whatever it says
        place = blamed_place(target, ruling.blame)
        past = self._past = self._past or _Past()
        is_told = report.retry_after_s is not None or place in self._probes
        if place is not None and (is_told or place not in past.blamed):
            past.blamed.add(place)
            health.failed(
                place,
                str(report),
                party=self.party,
                cools=ruling.cools,
                retry_after_s=report.retry_after_s,
            )
        health.released(self._probes, self.party)

    def _open(self, target: Target, ruling: Ruling, report: Report) -> None:
        """
        Keep in mind where the next attempt may go.
        """
        past = self._past = self._past or _Past()
        index = self._index
        past.rest_s[index] = report.retry_after_s or 0.0
        if ruling.next in (Next.OTHER_KEY, Next.OTHER_KEY_OR_WAIT) and target.key:
            past.tried.setdefault(index, set()).add(target.key)
            past.rotate = index
        may_pass = ruling.next in (Next.ANYWHERE, Next.OTHER_KEY_OR_WAIT)
        if may_pass and index not in past.again:
            past.again.append(index)

    def _note(self, target: Target, report: Report) -> None:
        self.lines.append(f"{target.name}: {report}")
        if report.failure in (Failure.REFUSED, Failure.LEFT):
            return
        if self._telling is None or report.failure not in _OURS:
            self._telling = target.provider, report

    def _let_go(self) -> None:
        if self._probes:
            self._router.health.released(self._probes, self.party)
            self._probes = ()

    def _give_up(self) -> None:
        """
        Note that the time for all attempts is over.
        """
        self._is_over = True
        self.lines.append("no time is left for another attempt")
        if self._telling is None:
            self._telling = "", Report(failure=Failure.STALL)
