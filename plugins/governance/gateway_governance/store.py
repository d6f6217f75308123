"""
Entities in the database: all read at once, one written at a time, and what changed since.

Every change is made as `gateway.following.Generations` has it: whoever has seen a generation finds
everything later by asking for what is above it.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.clock import Clock
from gateway.errors import ConfigError
from gateway.following import Generations
from gateway.storage import Storage
from gateway_governance import documents
from gateway_governance.checks import Entity
from gateway_governance.declaring import Stored, names_in, plan_of
from gateway_governance.documents import kind_of
from gateway_governance.entities import PricingOverride, RoutingRule, Team, VirtualKey
from gateway_governance.raises import without_raises
from gateway_governance.settings import GovernanceSettings
from gateway_governance.snapshot import Change, Snapshot, snapshot_of
from gateway_governance.tables import ENTITIES, LOOKUPS, PLUGIN, STATE
from gateway_governance.values import Mint

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

MIGRATIONS: Final = Path(__file__).parent / "migrations"

#: Parameters that one statement may have; SQLite once took no more than 999.
_AT_A_TIME: Final = 500

#: From so many entities on, the garbage collector is kept away from them.
_MANY: Final = 5_000

_COLUMNS: Final = (
    ENTITIES.c.kind,
    ENTITIES.c.id,
    ENTITIES.c.name,
    ENTITIES.c.is_declared,
    ENTITIES.c.removed_at,
    ENTITIES.c.document,
)


class Conflict(Exception):
    """
    A change that does not fit what is stored; nothing was changed.

    Attributes:
        code: ``not_there``, ``declared``, ``changed``, ``name_taken``, ``value_taken``,
            ``refers_to_nothing``, ``in_use``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@attrs.frozen(kw_only=True)
class Changes:
    """
    What is different since a generation.
    """

    generation: int
    changes: tuple[Change, ...]


@attrs.define(eq=False, kw_only=True)
class Store:
    """
    The entities in the database of one gateway.
    """

    storage: Storage
    mint: Mint
    clock: Clock
    generations: Generations = attrs.field(init=False)

    @generations.default
    def _count(self) -> Generations:
        return Generations(self.storage, STATE)

    async def open(self) -> None:
        """
        Bring the tables up to date.

        Raises:
            ConfigError: the database was written by a later version, or the values in it were
                hashed with another key.
        """
        await self.storage.migrate(PLUGIN, MIGRATIONS)
        async with self.generations.changing() as connection:
            await self._check_mint(connection)

    async def _check_mint(self, connection: AsyncConnection) -> None:
        """
        Make sure that values that are stored can match; else every caller would be a stranger.
        """
        known = await connection.scalar(select(STATE.c.mint))
        if known == self.mint.fingerprint:
            return
        if known is not None and await connection.scalar(
            select(LOOKUPS.c.lookup).limit(1)
        ):
            msg = (
                "the virtual keys in the database were hashed with another "
                "server.secret_key, so that none of them would be known: put that one back"
            )
            raise ConfigError(msg)
        await connection.execute(update(STATE).values(mint=self.mint.fingerprint))

    # --- reading ----------------------------------------------------------------------------

    async def load(self) -> Snapshot:
        """
        Read everything.

        Raises:
            UnreadableEntity: something stored cannot be read.
        """
        asked = select(ENTITIES.c.kind, ENTITIES.c.id, ENTITIES.c.document)
        async with self.storage.engine.connect() as connection:
            generation = await self.generations.read(connection)
            rows = (
                await connection.execute(asked.where(ENTITIES.c.removed_at.is_(None)))
            ).all()
        # Beside the event loop, which others use when settings are read again.
        return await asyncio.to_thread(self._snapshot, rows, generation)

    def _snapshot(self, rows: Sequence[Any], generation: int) -> Snapshot:
        with _without_collector() if len(rows) > _MANY else nullcontext():
            return snapshot_of(
                (
                    (kind, documents.read(kind, entity_id, document))
                    for kind, entity_id, document in rows
                ),
                mint=self.mint,
                generation=generation,
                now=self.clock.now(),
            )

    async def changes_since(self, generation: int) -> Changes:
        """
        Read what is different since *generation*, each entity once, as it is now.
        """
        asked = (
            select(*_COLUMNS, ENTITIES.c.generation)
            .where(ENTITIES.c.generation > generation)
            .order_by(ENTITIES.c.generation)
        )
        async with self.storage.engine.connect() as connection:
            rows = (await connection.execute(asked)).all()
        changes = tuple(
            Change(
                kind=row.kind,
                id=row.id,
                entity=documents.read(row.kind, row.id, row.document)
                if row.removed_at is None
                else None,
            )
            for row in rows
        )
        newest = rows[-1].generation if rows else generation
        return Changes(generation=newest, changes=changes)

    # --- writing ----------------------------------------------------------------------------

    async def put(self, entity: Entity, *, replaces: Entity | None = None) -> Entity:
        """
        Store *entity* in one transaction, with the next generation.

        Of one that is declared, only raises of its budgets may be others.

        Args:
            replaces: What is stored so far, as it was when the change was made up; None for
                an entity that is new.

        Returns:
            It, with the times of its creation and of this change.

        Raises:
            Conflict: it does not fit what is stored.
        """
        check_declared(entity, replaces)
        kind, now = kind_of(entity), self.clock.now()
        created_at = now if replaces is None else replaces.created_at
        entity = attrs.evolve(entity, created_at=created_at, updated_at=now)
        async with self.generations.changing() as connection:
            stored = await _find(connection, kind, entity.id)
            _check_replaced(stored, replaces, entity)
            await _check_references(connection, entity)
            await self._write(
                connection, entity, await self.generations.next(connection)
            )
        return entity

    async def remove(self, kind: str, entity_id: str) -> None:
        """
        Remove an entity, in one transaction, with the next generation.

        Its id is never given out again, so that what was spent stays with it.

        Raises:
            Conflict: there is none, it is declared, or others refer to it.
        """
        async with self.generations.changing() as connection:
            stored = await _find(connection, kind, entity_id)
            if stored is None or not stored.is_there:
                raise Conflict("not_there", f"there is no {kind} {entity_id}")
            if stored.is_declared:
                raise _declared(stored.name)
            await _check_unused(connection, kind, entity_id)
            await self._take_out(
                connection, kind, entity_id, await self.generations.next(connection)
            )

    async def declare(
        self, settings: GovernanceSettings
    ) -> Mapping[tuple[str, str], str]:
        """
        Make what *settings* declare what is stored; what is the same stays untouched.

        Every worker calls it when it starts: the second finds nothing to do.

        Returns:
            (kind, name) -> id, of everything that is declared.
        """
        async with self.generations.changing() as connection:
            rows = await _rows_for(connection, settings)
            plan = plan_of(settings, rows, self.clock.now())
            if plan.puts or plan.removals:
                generation = await self.generations.next(connection)
                # First out, so that names are free for who comes.
                for kind, entity_id in plan.removals:
                    await self._take_out(connection, kind, entity_id, generation)
                for entity in plan.puts:
                    await self._write(connection, entity, generation)
        return plan.ids

    async def _write(
        self, connection: AsyncConnection, entity: Entity, generation: int
    ) -> None:
        kind = kind_of(entity)
        columns = {
            "name": entity.name,
            "live_name": entity.name or None,
            "is_declared": entity.is_declared,
            "refers_to": refers_to(entity),
            "removed_at": None,
            "generation": generation,
            "document": documents.written(entity),
        }
        place = (ENTITIES.c.kind == kind) & (ENTITIES.c.id == entity.id)
        try:
            done = await connection.execute(
                update(ENTITIES).where(place).values(columns)
            )
            if done.rowcount == 0:
                row = {"kind": kind, "id": entity.id, **columns}
                await connection.execute(insert(ENTITIES).values(row))
        except IntegrityError:
            message = f"another {_noun(kind)} is called {entity.name}"
            raise Conflict("name_taken", message) from None
        if isinstance(entity, VirtualKey):
            await _write_lookups(connection, entity)

    async def _take_out(
        self, connection: AsyncConnection, kind: str, entity_id: str, generation: int
    ) -> None:
        gone = {
            "live_name": None,
            "refers_to": None,
            "removed_at": self.clock.now(),
            "generation": generation,
        }
        place = (ENTITIES.c.kind == kind) & (ENTITIES.c.id == entity_id)
        await connection.execute(update(ENTITIES).where(place).values(gone))
        if kind == "virtual_key":
            await connection.execute(
                delete(LOOKUPS).where(LOOKUPS.c.key_id == entity_id)
            )


def check_declared(entity: Entity, replaces: Entity | None) -> None:
    """
    Check that what is declared is changed in its raises alone.

    Raises:
        Conflict: ``declared``.
    """
    if not entity.is_declared:
        return
    if replaces is None or without_raises(entity) != without_raises(replaces):
        raise _declared(entity.name)


def refers_to(entity: Entity) -> str | None:
    """
    Return to whom *entity* belongs or whom it concerns, as ``team/payments``.
    """
    match entity:
        case VirtualKey(team_id=str(team_id)):
            return f"team/{team_id}"
        case (
            VirtualKey(customer_id=str(customer_id))
            | Team(customer_id=str(customer_id))
        ):
            return f"customer/{customer_id}"
        case RoutingRule(scope_id=str(scope_id)):
            return f"{entity.scope}/{scope_id}"
        case PricingOverride(key_id=str(key_id)):
            return f"virtual_key/{key_id}"
        case _:
            return None


# --- statements -----------------------------------------------------------------------------


async def _find(
    connection: AsyncConnection, kind: str, entity_id: str
) -> Stored | None:
    asked = select(*_COLUMNS).where(ENTITIES.c.kind == kind, ENTITIES.c.id == entity_id)
    row = (await connection.execute(asked)).first()
    return None if row is None else _stored(row)


def _stored(row: Any) -> Stored:
    return Stored(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


async def _rows_for(
    connection: AsyncConnection, settings: GovernanceSettings
) -> list[Stored]:
    asked = select(*_COLUMNS)
    declared = asked.where(ENTITIES.c.is_declared)
    rows = list((await connection.execute(declared)).all())
    others = asked.where(~ENTITIES.c.is_declared)
    for kind, names in names_in(settings).items():
        for some in _in_parts(sorted(names)):
            named = others.where(
                ENTITIES.c.kind == kind, ENTITIES.c.live_name.in_(some)
            )
            rows += (await connection.execute(named)).all()
    return [_stored(row) for row in rows]


def _in_parts(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), _AT_A_TIME):
        yield names[start : start + _AT_A_TIME]


async def _write_lookups(connection: AsyncConnection, key: VirtualKey) -> None:
    await connection.execute(delete(LOOKUPS).where(LOOKUPS.c.key_id == key.id))
    rows = [{"lookup": known.lookup, "key_id": key.id} for known in key.values]
    if not rows:
        return
    try:
        await connection.execute(insert(LOOKUPS), rows)
    except IntegrityError:
        message = "another virtual key has that value"
        raise Conflict("value_taken", message) from None


# --- what a change must fit -----------------------------------------------------------------


def _declared(name: str) -> Conflict:
    message = f"{name} stands in the settings file, and is changed there"
    return Conflict("declared", message)


def _check_replaced(
    stored: Stored | None, replaces: Entity | None, entity: Entity
) -> None:
    kind, entity_id = kind_of(entity), entity.id
    if replaces is None:
        if stored is not None:
            raise Conflict("changed", f"the {kind} {entity_id} is there already")
        return
    if stored is None or not stored.is_there:
        raise Conflict("not_there", f"there is no {kind} {entity_id}")
    if stored.is_declared and not entity.is_declared:
        raise _declared(stored.name)
    if documents.read(kind, entity_id, stored.document) != replaces:
        message = f"somebody else has changed the {kind} {entity_id}: look at it and try again"
        raise Conflict("changed", message)


async def _check_references(connection: AsyncConnection, entity: Entity) -> None:
    place = refers_to(entity)
    if place is None:
        return
    kind, _, entity_id = place.partition("/")
    stored = await _find(connection, kind, entity_id)
    if stored is None or not stored.is_there:
        raise Conflict("refers_to_nothing", f"there is no {kind} {entity_id}")


async def _check_unused(connection: AsyncConnection, kind: str, entity_id: str) -> None:
    asked = select(ENTITIES.c.kind, ENTITIES.c.name).where(
        ENTITIES.c.refers_to == f"{kind}/{entity_id}"
    )
    rows = (await connection.execute(asked.limit(4))).all()
    if rows:
        named = ", ".join(f"{_noun(row.kind)} {row.name}" for row in rows[:3])
        more = " and others" if len(rows) > 3 else ""
        message = (
            f"{named}{more} would be left without their {_noun(kind)}: "
            "change those first"
        )
        raise Conflict("in_use", message)


@contextmanager
def _without_collector() -> Iterator[None]:
    """
    Keep the garbage collector from looking at millions of new values, now and later.

    They hold no cycles, so that nothing of them is its to find; looking at those of a hundred
    thousand keys takes it most of a second, in which nobody is served.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


def _noun(kind: str) -> str:
    return kind.replace("_", " ")
