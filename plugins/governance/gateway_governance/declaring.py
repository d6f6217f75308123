"""
What becomes of the stored entities when a settings file is read: who is who, and what changes.

Identity is the name.  The id, which meters and usage go by, is the name at first sight and is kept
from then on: under ``was:``, and for whoever comes back after having been taken out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from gateway_governance.checks import Entity
from gateway_governance.documents import KINDS, read
from gateway_governance.entities import PricingOverride, RoutingRule, Team, VirtualKey
from gateway_governance.raises import with_raises_of
from gateway_governance.settings import TABLES, GovernanceSettings

#: The kind of entity that stands in each table of the settings.
KIND_OF_TABLE: Final[Mapping[str, str]] = dict(zip(TABLES, KINDS, strict=True))


@attrs.frozen(kw_only=True)
class Stored:
    """
    What the database has of one entity.
    """

    kind: str
    id: str
    name: str
    is_declared: bool
    removed_at: float | None
    document: str

    @property
    def is_there(self) -> bool:
        """
        Whether it was not removed.
        """
        return self.removed_at is None


@attrs.frozen(kw_only=True)
class Plan:
    """
    What is to be changed.

    Attributes:
        ids: (kind, name) -> id, of everything that is declared.
        puts: Entities that are new or different.
        removals: (kind, id) of what is declared no more.
    """

    ids: Mapping[tuple[str, str], str]
    puts: tuple[Entity, ...]
    removals: tuple[tuple[str, str], ...]


def names_in(settings: GovernanceSettings) -> dict[str, set[str]]:
    """
    Return the names, by kind, under which something may be stored that *settings* declare.
    """
    names: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for table, entity in settings.declared():
        names[KIND_OF_TABLE[table]].add(entity.name)
    for (table, _), was in settings.renames().items():
        names[KIND_OF_TABLE[table]].add(was)
    return names


def plan_of(settings: GovernanceSettings, rows: Collection[Stored], now: float) -> Plan:
    """
    Compare what *settings* declare with what is stored.

    Args:
        rows: All that ever were declared, and what is there under one of `names_in`.
    """
    identities = _Identities(rows)
    renames = settings.renames()
    ids: dict[tuple[str, str], str] = {}
    puts = []
    for table, entity in settings.declared():
        kind = KIND_OF_TABLE[table]
        row = identities.take(kind, entity.name, renames.get((table, entity.name)))
        entity_id = row.id if row else identities.new_id(kind, entity.name)
        ids[kind, entity.name] = entity_id
        # Whoever it refers to stands in an earlier table, or is a key of its own.
        wanted = _identified(entity, entity_id, ids)
        if changed := _changed(wanted, row, now):
            puts.append(changed)
    return Plan(ids=ids, puts=tuple(puts), removals=tuple(identities.left_over()))


class _Identities:
    """
    The stored entities, each of which is one declared entity at most.
    """

    def __init__(self, rows: Iterable[Stored]) -> None:
        self._rows = {(row.kind, row.id): row for row in rows}
        self._ids = set(self._rows)
        # What was removed last stands last, and so is found of several with one name.
        ordered = sorted(self._rows.values(), key=lambda row: row.removed_at or 0.0)
        self._there = {(row.kind, row.name): row for row in ordered if row.is_there}
        self._gone = {
            (row.kind, row.name): row
            for row in ordered
            if not row.is_there and row.is_declared
        }

    def take(self, kind: str, name: str, was: str | None) -> Stored | None:
        """
        Find what is stored of the entity that is called *name* and was called *was*.
        """
        for rows in (self._there, self._gone):
            for called in (name, was):
                row = None if called is None else rows.get((kind, called))
                if row is not None and (row.kind, row.id) in self._rows:
                    return self._rows.pop((row.kind, row.id))
        return None

    def new_id(self, kind: str, name: str) -> str:
        """
        Make the id of an entity that was never seen: its name, where that is free.
        """
        entity_id, number = name, 1
        while (kind, entity_id) in self._ids:
            number += 1
            entity_id = f"{name}~{number}"
        self._ids.add((kind, entity_id))
        return entity_id

    def left_over(self) -> Iterator[tuple[str, str]]:
        """
        Yield what is there, was declared and is so no more.
        """
        for place, row in self._rows.items():
            if row.is_declared and row.is_there:
                yield place


def _identified(
    entity: Entity, entity_id: str, ids: Mapping[tuple[str, str], str]
) -> Entity:
    """
    Return *entity* with ids in place of names.
    """

    def of(kind: str, name: str | None) -> str | None:
        return None if name is None else ids[kind, name]

    changes: dict[str, Any] = {"id": entity_id}
    match entity:
        case Team():
            changes["customer_id"] = of("customer", entity.customer_id)
        case VirtualKey():
            changes["team_id"] = of("team", entity.team_id)
            changes["customer_id"] = of("customer", entity.customer_id)
            changes["provider_configs"] = entity.provider_configs and tuple(
                attrs.evolve(config, id=f"{entity_id}:{config.provider}")
                for config in entity.provider_configs
            )
        case RoutingRule() if entity.scope_id is not None:
            changes["scope_id"] = of(entity.scope, entity.scope_id)
        case PricingOverride():
            changes["key_id"] = of("virtual_key", entity.key_id)
        case _:
            pass
    return attrs.evolve(entity, **changes)


def _changed(wanted: Entity, row: Stored | None, now: float) -> Entity | None:
    """
    Return what is to be stored, or None if it is stored already.
    """
    if row is None:
        return attrs.evolve(wanted, created_at=now, updated_at=now)
    before = read(row.kind, row.id, row.document)
    same = attrs.evolve(
        with_raises_of(wanted, before, now),
        created_at=before.created_at,
        updated_at=before.updated_at,
    )
    if row.is_there and same == before:
        return None
    return attrs.evolve(same, updated_at=now)
