"""
The snapshot that one worker goes by, kept as new as a second.

What others change in the database is followed; within a data directory events tell of it at once.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import structlog

from gateway.errors import ConfigError
from gateway.following import Follower
from gateway_guardrails.policy.checking import first_snapshot
from gateway_guardrails.policy.making import Maker
from gateway_guardrails.policy.rules import NamedRule, declared_rules, problems_of
from gateway_guardrails.policy.snapshot import PolicySnapshot
from gateway_guardrails.policy.store import Store, StoredRules

if TYPE_CHECKING:
    from gateway.detecting import Detector, DetectorTools, Judge
    from gateway_guardrails.settings import GuardrailsSettings

log = structlog.get_logger("gateway.guardrails")


@attrs.frozen(eq=False)
class _Ground:
    """
    What detectors are made on: another one, and all are made anew.
    """

    tools: DetectorTools
    kinds: Mapping[str, Detector]

    def same_as(self, other: _Ground) -> bool:
        """
        Tell whether detectors made on *other* are as good.
        """
        mine, others = self.tools.settings, other.tools.settings
        return mine.digest == others.digest and self.kinds == other.kinds


@attrs.frozen(eq=False)
class _Retired:
    """
    Judges of a snapshot that is not in force, and may still be asked by what began with it.
    """

    snapshot: weakref.ref[PolicySnapshot]
    judges: Sequence[Judge]


class Watch:
    """
    Keeps the snapshot of one worker.

    Args:
        ground: Returns what detectors need, and which there are, as of now.
    """

    def __init__(
        self,
        store: Store,
        settings: GuardrailsSettings,
        *,
        ground: Callable[[], tuple[DetectorTools, Mapping[str, Detector]]],
    ) -> None:
        self._store = store
        self._settings = settings
        self._find_ground = ground
        self._ground = _Ground(*ground())
        self._maker = Maker(
            tools=self._ground.tools,
            kinds=self._ground.kinds,
            defaults=settings.defaults,
        )
        self._follower = Follower(self._look, what="guardrails", log=log)
        self._stored = StoredRules(generation=-1, rules=())
        self._snapshot: PolicySnapshot | None = None
        self._retired: list[_Retired] = []
        self._shadowed: frozenset[str] = frozenset()

    @property
    def snapshot(self) -> PolicySnapshot:
        """
        What is in force.
        """
        if self._snapshot is None:
            msg = "guardrails were not started: their lifespan was not entered"
            raise RuntimeError(msg)
        return self._snapshot

    @property
    def maker(self) -> Maker:
        """
        What makes guardrails, for one that is to be tried.
        """
        return self._maker

    # --- rules ------------------------------------------------------------------------------

    def rules(self) -> tuple[NamedRule, ...]:
        """
        Return all rules, declared ones first; a declared one hides a stored one of its name.
        """
        return (*self.declared(), *self._beside_declared(self._stored))

    def declared(self) -> tuple[NamedRule, ...]:
        """
        Return those of the settings file.
        """
        return declared_rules(self._settings)

    def _beside_declared(self, stored: StoredRules) -> Iterator[NamedRule]:
        names = self._settings.rules
        return (named for named in stored.rules if named.name not in names)

    # --- life -------------------------------------------------------------------------------

    async def start(self) -> None:
        """
        Read and make everything.

        Raises:
            ConfigError: Something declared, or stored, cannot be made or read.
        """
        await self._make(await self._store.load(), self._ground, is_first=True)

    async def run(self) -> None:
        """
        Refresh for as long as nobody cancels; what fails is logged and tried again.
        """
        with self._store.generations.at_hand():
            await self._follower.run()

    def poke(self) -> None:
        """
        Say that something changed; it is looked at soon.
        """
        self._follower.poke()

    async def refresh(self) -> PolicySnapshot:
        """
        See to it that everything that is stored by now is in the snapshot, and return it.
        """
        await self._follower.refresh()
        return self.snapshot

    async def _look(self) -> None:
        stored = self._stored
        if await self._store.generations.last() != stored.generation:
            stored = await self._store.load()
        ground = _Ground(*self._find_ground())
        if stored is not self._stored or not ground.same_as(self._ground):
            await self._make(stored, ground)
        await self._close_retired()

    async def close(self) -> None:
        """
        Let go of every judge.
        """
        kept = [judge for retired in self._retired for judge in retired.judges]
        for judge in {
            id(judge): judge for judge in (*kept, *self._maker.judges())
        }.values():
            await _close(judge)
        self._retired.clear()

    # --- making -----------------------------------------------------------------------------

    async def _make(
        self, stored: StoredRules, ground: _Ground, *, is_first: bool = False
    ) -> None:
        before, judges = self._snapshot, tuple(self._maker.judges())
        if not ground.same_as(self._ground):
            self._maker.renew(ground.tools, ground.kinds)
        rules = (*self.declared(), *self._beside_declared(stored))
        # Beside the event loop: patterns by the hundred take a while to compile.
        if is_first:
            self._check(rules)
            self._snapshot = await asyncio.to_thread(
                first_snapshot, self._maker, rules, ground.tools.secrets
            )
        else:
            self._snapshot = await asyncio.to_thread(self._maker.snapshot, rules)
        self._stored, self._ground = stored, ground
        self._tell_shadowed()
        if before is not None and judges:
            self._retired.append(_Retired(weakref.ref(before), judges))

    def _check(self, rules: Sequence[NamedRule]) -> None:
        """
        Check declared rules against the detectors that there are.
        """
        problems = [
            problem
            for named in rules
            if named.is_declared
            for problem in problems_of(
                named, self._settings.defaults, self._ground.kinds
            )
        ]
        if problems:
            raise ConfigError(problems)

    def _tell_shadowed(self) -> None:
        names = self._settings.rules
        shadowed = frozenset(
            named.name for named in self._stored.rules if named.name in names
        )
        for name in sorted(shadowed - self._shadowed):
            log.warning(
                "the settings file declares a guardrail that is stored too: the file counts",
                guardrail=name,
            )
        self._shadowed = shadowed

    async def _close_retired(self) -> None:
        """
        Close judges that no exchange can ask any more.
        """
        gone = [each for each in self._retired if each.snapshot() is None]
        if not gone:
            return
        self._retired = [each for each in self._retired if each not in gone]
        needed = {id(judge) for judge in self._maker.judges()}
        needed |= {id(judge) for each in self._retired for judge in each.judges}
        done: set[int] = set()
        for judge in (judge for each in gone for judge in each.judges):
            if id(judge) not in needed and id(judge) not in done:
                done.add(id(judge))
                await _close(judge)


async def _close(judge: Any) -> None:
    try:
        await judge.close()
    except Exception as exc:  # noqa: BLE001 - the others are closed all the same
        log.warning("a detector could not be closed", error=type(exc).__name__)
