"""
What every route works with: the entities as they are, the one way of changing them, and answers.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import attrs
from aiohttp import web

from gateway.management import ApiError, actor_of, json_response, note_change
from gateway_governance import documents
from gateway_governance.api.bodies import Fault, refuse
from gateway_governance.api.limits import LimitWriter
from gateway_governance.api.places import place_of
from gateway_governance.api.shapes import Shapes
from gateway_governance.checks import Entity, Known, faults_of
from gateway_governance.entities import (
    ANY,
    Owner,
    RoutingRule,
    VirtualKey,
)
from gateway_governance.events import EntityChanged
from gateway_governance.ledger.authority import AuthorityFailed
from gateway_governance.ledger.meters import Standing
from gateway_governance.rules import model_faults
from gateway_governance.snapshot import FIELDS, Snapshot, owners_in
from gateway_governance.store import Conflict, check_declared

if TYPE_CHECKING:
    from gateway_governance.governor import Governor

E = TypeVar("E")

Action = Literal["created", "changed", "rotated", "removed"]

#: Bifrost's words for what there is, for sentences and codes.
NOUNS: Final = {
    "customer": "customer",
    "team": "team",
    "virtual_key": "virtual key",
    "model_config": "model config",
    "routing_rule": "routing rule",
    "pricing_override": "pricing override",
}
#: Where the settings file has them.
TABLES: Final = {
    "customer": "customers",
    "team": "teams",
    "virtual_key": "virtual_keys",
    "model_config": "model_limits",
    "routing_rule": "routing_rules",
    "pricing_override": "pricing_overrides",
}
_STATUSES: Final = {
    "not_there": 404,
    "declared": 409,
    "changed": 409,
    "name_taken": 409,
    "value_taken": 409,
    "refers_to_nothing": 400,
    "in_use": 409,
}
#: So many entities are gone through beside the event loop.
_MANY: Final = 2_000


@attrs.frozen(eq=False)
class Office:
    """
    Reads and changes the entities of the gateway in force.

    Args:
        governor: Returns what governance works with; another one after a reload.
    """

    governor: Callable[[], Governor]

    # --- reading ----------------------------------------------------------------------------

    async def snapshot(self, request: web.Request | None = None) -> Snapshot:
        """
        Return what is stored by now; with ``from_memory=true`` what this worker goes by.
        """
        watch = self.governor().watch
        if request is not None and from_memory(request):
            return watch.snapshot
        return await watch.refresh()

    def now(self) -> float:
        """
        Return the time, in Unix seconds.
        """
        return self.governor().gateway.clock.now()

    async def find(self, request: web.Request, kind: str) -> Any:
        """
        Return the entity whose id, or else whose name, stands in the path.

        Raises:
            ApiError: 404.
        """
        return get_entity(await self.snapshot(request), kind, request.match_info["id"])

    async def shapes(
        self, snapshot: Snapshot, entities: Iterable[Entity], *, counts: bool = False
    ) -> Shapes:
        """
        Make what writes *entities*, with what is used of their limits.

        Args:
            counts: Whether the keys of teams and customers are counted.
        """
        owners = [owner for entity in entities for owner in owners_in(entity)]
        return Shapes(
            snapshot=snapshot,
            limits=await self.limits(snapshot, owners),
            counts=await aside(len(snapshot.keys), _count_keys, snapshot)
            if counts
            else {},
        )

    async def flush(self) -> None:
        """
        Let what was settled just now be seen; where the database takes nothing, it is later.
        """
        with suppress(AuthorityFailed):
            await self.governor().ledger.flush()

    async def limits(
        self,
        snapshot: Snapshot,
        owners: Iterable[Owner],
        *,
        for_callers: bool = False,
    ) -> LimitWriter:
        """
        Make what writes the limits of *owners*.

        Args:
            for_callers: Whether it is for those who have a virtual key, not for operators.
        """
        meters = [meter for owner in owners for meter in snapshot.owner_meters(owner)]
        standings: dict[str, Standing] = {}
        if meters:
            found = await self.governor().ledger.standing(meters)
            standings = {standing.meter.id: standing for standing in found}
        return LimitWriter(standings=standings, now=self.now(), for_callers=for_callers)

    # --- changing ---------------------------------------------------------------------------

    async def put(
        self,
        request: web.Request,
        entity: Entity,
        *,
        replaces: Entity | None = None,
        action: Action | None = None,
    ) -> Any:
        """
        Check and store *entity*, and tell everybody.

        Raises:
            ApiError: It is wrong, or does not fit what is stored.
        """
        governor = self.governor()
        with conflicts(replaces or entity, self._file()):
            check_declared(entity, replaces)
            self._check(entity)
            stored = await governor.store.put(entity, replaces=replaces)
        action = action or ("created" if replaces is None else "changed")
        await self._tell(request, stored, action, before=replaces, after=stored)
        return stored

    async def remove(self, request: web.Request, entity: Entity) -> None:
        """
        Remove *entity*, and tell everybody.

        Raises:
            ApiError: It is gone already, declared, or in use.
        """
        with conflicts(entity, self._file()):
            await self.governor().store.remove(documents.kind_of(entity), entity.id)
        await self._tell(request, entity, "removed", before=entity, after=None)

    def _check(self, entity: Entity) -> None:
        governor = self.governor()
        snapshot = governor.watch.snapshot
        providers = governor.gateway.runtime.providers
        known = Known(
            providers=providers,
            customers=snapshot.customers,
            teams=snapshot.teams,
            virtual_keys=snapshot.keys,
        )
        faults = [
            Fault(place_of(fault.steps, entity), fault.message)
            for fault in faults_of(entity, known)
        ]
        for place, provider, name in _provider_keys(entity):
            names = (
                [key.name for key in providers[provider].keys]
                if (provider in providers)
                else [name]
            )
            if name not in names:
                there = f"; there are {' '.join(names[:8])}" if names else ""
                faults.append(Fault(place, f"{provider} has no key {name[:64]}{there}"))
        if isinstance(entity, RoutingRule) and not faults:
            check_model = governor.gateway.runtime.router.check_model
            faults = [
                Fault(place_of(fault.steps, entity), fault.message)
                for fault in model_faults(entity, check_model)
            ]
        if faults:
            raise refuse(faults)

    def _file(self) -> str:
        source = self.governor().gateway.settings.source
        return str(source) if source is not None else "the settings"

    async def _tell(
        self,
        request: web.Request,
        entity: Entity,
        action: Action,
        *,
        before: Entity | None,
        after: Entity | None,
    ) -> None:
        governor = self.governor()
        kind = documents.kind_of(entity)
        await governor.watch.refresh()
        governor.gateway.broadcast(
            EntityChanged(
                at=self.now(),
                actor=actor_of(request).name,
                kind=kind,
                id=entity.id,
                name=entity.name,
                action=action,
            )
        )
        self.note(request, entity, action, before=before, after=after)

    @staticmethod
    def note(
        request: web.Request,
        entity: Entity,
        action: str,
        *,
        before: Entity | None = None,
        after: Entity | None = None,
    ) -> None:
        """
        Say what was done to *entity*, for whoever keeps records; of its states only hashes.
        """
        note_change(
            request,
            f"governance.{documents.kind_of(entity)}/{entity.id}",
            before=None if before is None else documents.written(before),
            after=None if after is None else documents.written(after),
            details={"name": entity.name, "action": action},
        )


def get_entity(snapshot: Snapshot, kind: str, wanted: str) -> Any:
    """
    Return the entity of *kind* whose id, or else whose name, is *wanted*.

    Raises:
        ApiError: 404.
    """
    entities: Any = getattr(snapshot, FIELDS[kind])
    found = entities.get(wanted)
    if found is None:
        found = next((one for one in entities.values() if one.name == wanted), None)
    if found is None:
        noun = NOUNS[kind]
        message = f"There is no {noun} with this id or name."
        raise ApiError(404, f"{kind}_not_found", message)
    return found


@contextmanager
def conflicts(entity: Entity, file: str) -> Iterator[None]:
    """
    Turn what the store has against a change of *entity* into an answer.
    """
    try:
        yield
    except Conflict as conflict:
        kind = documents.kind_of(entity)
        code, message = conflict.code, str(conflict)
        if code == "not_there":
            code = f"{kind}_not_found"
        if code == "declared":
            message = (
                f"{entity.name} is declared in {file}, which alone changes it: edit "
                f"plugins.governance.{TABLES[kind]}.{entity.name} there and reload"
            )
        status = _STATUSES[conflict.code]
        message = f"Nothing was changed: {message}."
        raise ApiError(status, code, message) from None


# --- lists ----------------------------------------------------------------------------------


def from_memory(request: web.Request) -> bool:
    """
    Tell whether the caller asks for what this worker goes by, as an object by ids.
    """
    return request.query.get("from_memory", "").lower() == "true"


async def aside(size: int, work: Callable[..., E], *told: Any) -> E:
    """
    Do *work* on what never changes: at once, or beside the event loop where there is much.
    """
    if size < _MANY:
        return work(*told)
    return await asyncio.to_thread(work, *told)


def list_response(
    request: web.Request,
    name: str,
    items: Sequence[dict[str, Any]],
    *,
    total: int,
    page: tuple[int, int],
) -> web.Response:
    """
    Answer with one page of a list; with ``from_memory=true`` as an object by ids.
    """
    limit, offset = page
    told: Any = list(items)
    if from_memory(request):
        told = {item["id"]: item for item in items}
    return json_response(
        {
            name: told,
            "count": len(items),
            "total_count": total,
            "limit": limit,
            "offset": offset,
        }
    )


def made(noun: str, deed: str, key: str, document: Any) -> web.Response:
    """
    Answer a change as Bifrost does.
    """
    sentence = f"{noun[0].upper()}{noun[1:]} {deed} successfully"
    return json_response({"message": sentence, key: document})


def _count_keys(snapshot: Snapshot) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for key in snapshot.keys.values():
        if key.team_id is not None:
            counts["team", key.team_id] += 1
        elif key.customer_id is not None:
            counts["customer", key.customer_id] += 1
    return counts


def _provider_keys(entity: Entity) -> Iterator[tuple[str, str, str]]:
    """
    Yield where *entity* names a provider's key, the provider, and the key.
    """
    match entity:
        case VirtualKey():
            for index, config in enumerate(entity.provider_configs or ()):
                for number, name in enumerate(config.provider_keys):
                    if name != ANY:
                        place = f"provider_configs[{index}].key_ids[{number}]"
                        yield place, config.provider, name
        case RoutingRule():
            for index, target in enumerate(entity.targets):
                if target.provider_key is not None and target.provider is not None:
                    place = f"targets[{index}].provider_key_name"
                    yield place, target.provider, target.provider_key
        case _:
            pass
