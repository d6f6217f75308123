"""
Rules in the database: all read at once, for they are few, and one written at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
from sqlalchemy import delete, func, insert, select, update

from gateway import codec
from gateway.clock import Clock
from gateway.errors import ConfigError
from gateway.following import Generations
from gateway.storage import Storage
from gateway_guardrails.policy.rules import NamedRule, document_of, read_rule
from gateway_guardrails.settings import PLUGIN, RuleSettings
from gateway_guardrails.tables import RULES, STATE

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

MIGRATIONS: Final = Path(__file__).parent.parent / "migrations"

#: Rules that may be stored: each is looked at for every request.
MAX_RULES: Final = 500


class Conflict(Exception):
    """
    A change that does not fit what is stored; nothing was changed.

    Attributes:
        code: ``not_there``, ``name_taken``, ``changed``, ``too_many``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@attrs.frozen(kw_only=True)
class StoredRules:
    """
    What was stored at one generation.
    """

    generation: int
    rules: tuple[NamedRule, ...]


@attrs.frozen(eq=False, kw_only=True)
class Store:
    """
    The rules in the database of one gateway.
    """

    storage: Storage
    clock: Clock
    generations: Generations = attrs.field(init=False)

    @generations.default
    def _count(self) -> Generations:
        return Generations(self.storage, STATE)

    async def open(self) -> None:
        """
        Bring the tables up to date.

        Raises:
            ConfigError: the database was written by a later version.
        """
        await self.storage.migrate(PLUGIN, MIGRATIONS)

    async def load(self) -> StoredRules:
        """
        Read all rules.

        Raises:
            ConfigError: one of them cannot be read, and so would not be kept to.
        """
        async with self.storage.engine.connect() as connection:
            generation = await self.generations.read(connection)
            rows = (
                await connection.execute(select(RULES).order_by(RULES.c.name))
            ).all()
        rules = tuple(_named(dict(row._mapping)) for row in rows)  # noqa: SLF001 - public
        return StoredRules(generation=generation, rules=rules)

    async def create(self, name: str, rule: RuleSettings) -> NamedRule:
        """
        Store a new rule.

        Raises:
            Conflict: There is one of that name, or there are too many.
        """
        now = self.clock.now()
        async with self.generations.changing() as connection:
            count = await connection.scalar(select(func.count()).select_from(RULES))
            if (count or 0) >= MAX_RULES:
                raise Conflict("too_many", f"there are {MAX_RULES} rules already")
            if await _find(connection, name) is not None:
                raise Conflict("name_taken", f"there is a rule {name} already")
            row = {
                "name": name,
                "document": _written(rule),
                "revision": await self.generations.next(connection),
                "created_at": now,
                "updated_at": now,
            }
            await connection.execute(insert(RULES).values(row))
        return _named(row)

    async def replace(
        self, name: str, rule: RuleSettings, *, revision: int | None = None
    ) -> NamedRule:
        """
        Put *rule* in the place of the one that is stored.

        Args:
            revision: What is replaced; None replaces whatever there is.

        Raises:
            Conflict: There is none, or another one than *revision*.
        """
        async with self.generations.changing() as connection:
            stored = await _get(connection, name)
            _check_revision(name, stored, revision)
            changes = {
                "document": _written(rule),
                "revision": await self.generations.next(connection),
                "updated_at": self.clock.now(),
            }
            await connection.execute(
                update(RULES).where(RULES.c.name == name).values(changes)
            )
        return _named({**stored, **changes})

    async def remove(self, name: str, *, revision: int | None = None) -> None:
        """
        Remove a rule; as `replace`.
        """
        async with self.generations.changing() as connection:
            _check_revision(name, await _get(connection, name), revision)
            await connection.execute(delete(RULES).where(RULES.c.name == name))
            await self.generations.next(connection)


async def _find(connection: AsyncConnection, name: str) -> Mapping[str, Any] | None:
    row = (await connection.execute(select(RULES).where(RULES.c.name == name))).first()
    return None if row is None else dict(row._mapping)  # noqa: SLF001 - public


async def _get(connection: AsyncConnection, name: str) -> Mapping[str, Any]:
    stored = await _find(connection, name)
    if stored is None:
        raise Conflict("not_there", f"there is no rule {name}")
    return stored


def _check_revision(name: str, stored: Mapping[str, Any], revision: int | None) -> None:
    if revision is not None and stored["revision"] != revision:
        message = f"somebody else has changed the rule {name}: look at it and try again"
        raise Conflict("changed", message)


def _written(rule: RuleSettings) -> str:
    return codec.dumps(document_of(rule)).decode()


def _named(row: Mapping[str, Any]) -> NamedRule:
    name = row["name"]
    try:
        rule = read_rule(codec.loads(row["document"].encode()), name)
    except (ConfigError, ValueError) as exc:
        msg = (
            f"the stored guardrail {name} cannot be read: it was written by a later version, "
            f"or by hand ({exc})"
        )
        raise ConfigError(msg) from exc
    return NamedRule(
        name=name,
        rule=rule,
        is_declared=False,
        revision=row["revision"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
