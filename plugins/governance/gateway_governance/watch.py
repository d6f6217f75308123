"""
The snapshot that one worker goes by, kept as new as a second.

What others change in the database is followed; where somebody tells (`poke`), at once.  Where
declared keys have their values in files, `declared_values` looks at those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import structlog

from gateway.clock import Clock
from gateway.errors import ConfigError, Problem
from gateway.following import Follower
from gateway_governance.checks import Entity
from gateway_governance.declared_values import DeclaredValues, Resolve
from gateway_governance.documents import kind_of
from gateway_governance.entities import Owner
from gateway_governance.settings import GovernanceSettings
from gateway_governance.snapshot import Snapshot, next_raise_ends, owners_in
from gateway_governance.store import Store

log = structlog.get_logger("gateway.governance")

#: Told of each new snapshot, and of the owners whose limits may be others.
Listener = Callable[[Snapshot, tuple[Owner, ...]], None]


def _tell_nobody(snapshot: Snapshot, owners: tuple[Owner, ...]) -> None:
    """
    Listen to nothing.
    """


class Watch:
    """
    Keeps the snapshot of one worker.

    Args:
        listener: Is told of each new snapshot, on the event loop.
    """

    def __init__(
        self, store: Store, *, clock: Clock, listener: Listener = _tell_nobody
    ) -> None:
        self._store = store
        self._clock = clock
        self._listener = listener
        self._follower = Follower(self._look, what="entities", log=log)
        self._values: DeclaredValues | None = None
        self._told: frozenset[Problem] = frozenset()
        #: (kind, id) of what has a limit that is raised for a time -> when that ends.
        self._raised: dict[tuple[str, str], float] = {}
        self.snapshot = Snapshot(mint=store.mint)

    async def start(self, settings: GovernanceSettings, resolve: Resolve) -> None:
        """
        Store what *settings* declare, and read everything.

        Raises:
            ConfigError: a declared key has no value, or the value of another one.
        """
        values = DeclaredValues(settings, mint=self._store.mint, resolve=resolve)
        # First: what is refused must not have been stored.
        problems = await values.look()
        if problems:
            raise ConfigError(problems)
        ids = await self._store.declare(settings)
        values.identify(
            {
                name: key_id
                for (kind, name), key_id in ids.items()
                if kind == "virtual_key"
            }
        )
        self._values = values
        snapshot = (await self._store.load()).with_values(self._values.found)
        for entity in snapshot.entities():
            self._note_raise(entity, snapshot.now)
        self._use(snapshot, snapshot.owners())

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

    async def refresh(self) -> Snapshot:
        """
        See to it that everything that is stored by now is in the snapshot, and return it.
        """
        await self._follower.refresh()
        return self.snapshot

    async def _look(self) -> None:
        await self._read_changes()
        await self._read_values()
        self._end_raises()

    async def _read_changes(self) -> None:
        before, now = self.snapshot, self._clock.now()
        if await self._store.generations.last() == before.generation:
            return
        found = await self._store.changes_since(before.generation)
        changed = before.changed(found.changes, generation=found.generation, now=now)
        for change in found.changes:
            self._raised.pop((change.kind, change.id), None)
            if change.entity is not None:
                self._note_raise(change.entity, now)
        entities = (change.entity for change in found.changes)
        self._use(changed, _owners_of(entity for entity in entities if entity))

    async def _read_values(self) -> None:
        if self._values is None:
            return
        problems = await self._values.look()
        if self._values.found is not self.snapshot.declared_values:
            self._use(self.snapshot.with_values(self._values.found), ())
        for problem in problems:
            if problem not in self._told:
                log.error("virtual key without its value", problem=str(problem))
        self._told = frozenset(problems)

    def _note_raise(self, entity: Entity, now: float) -> None:
        ends = next_raise_ends(entity, now)
        if ends < float("inf"):
            self._raised[kind_of(entity), entity.id] = ends

    def _end_raises(self) -> None:
        """
        Make a new snapshot when a limit that was raised for a time comes down again.
        """
        now = self._clock.now()
        over = [place for place, ends in self._raised.items() if ends <= now]
        if not over:
            return
        snapshot = self.snapshot.at(now)
        found = [snapshot.entity(*place) for place in over]
        entities = [entity for entity in found if entity is not None]
        for place in over:
            del self._raised[place]
        for entity in entities:
            self._note_raise(entity, now)
        self._use(snapshot, _owners_of(entities))

    def _use(self, snapshot: Snapshot, owners: Iterable[Owner]) -> None:
        self.snapshot = snapshot
        self._listener(snapshot, tuple(owners))


def _owners_of(entities: Iterable[Entity]) -> Iterator[Owner]:
    for entity in entities:
        yield from owners_in(entity)
