"""
The routes of budgets and rate limits, whoever has them: looking, raising, beginning anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs
from aiohttp import web

from gateway.management import ApiError, actor_of, json_response
from gateway_governance.api import wire
from gateway_governance.api.bodies import Body, read_body
from gateway_governance.api.limits import FOR_EVER
from gateway_governance.api.office import Office, aside, list_response
from gateway_governance.api.paging import Query
from gateway_governance.entities import (
    NO_LIMITS,
    Budget,
    Limits,
    Override,
    Owner,
    OwnerKind,
    Period,
    Unit,
)
from gateway_governance.ledger.meters import MICROS, Meter
from gateway_governance.periods import window_at
from gateway_governance.raises import with_budget
from gateway_governance.snapshot import FIELDS, Snapshot

_ENTITIES: Final = {
    OwnerKind.CUSTOMER: "customer",
    OwnerKind.TEAM: "team",
    OwnerKind.VIRTUAL_KEY: "virtual_key",
    OwnerKind.PROVIDER_CONFIG: "virtual_key",
    OwnerKind.MODEL: "model_config",
}
_FILTERS: Final = {
    "customer_id": OwnerKind.CUSTOMER,
    "team_id": OwnerKind.TEAM,
    "virtual_key_id": OwnerKind.VIRTUAL_KEY,
    "model_config_id": OwnerKind.MODEL,
}
_MAX_CYCLES: Final = 1_000
_MAX_RAISE_S: Final = 366 * 86_400


@attrs.frozen(kw_only=True)
class Place:
    """
    One budget, and where it stands.
    """

    entity: Any
    owner: Owner
    budget: Budget

    @property
    def times(self) -> tuple[float, float]:
        """
        When the entity was created and changed.
        """
        return self.entity.created_at, self.entity.updated_at


@attrs.frozen(eq=False)
class BudgetRoutes:
    """
    Answers for budgets and rate limits.
    """

    office: Office

    async def list(self, request: web.Request) -> web.Response:
        """
        List budgets.
        """
        page, wanted = _read_query(request)
        snapshot = await self.office.snapshot(request)
        found = await aside(len(snapshot.keys), _owners, snapshot, wanted)
        places = [
            Place(entity=entity, owner=owner, budget=budget)
            for entity, owner, limits in found
            for budget in limits.budgets
        ]
        limit, offset = page
        shown = places[offset : offset + limit]
        writer = await self.office.limits(snapshot, {each.owner for each in shown})
        items = [
            {
                **writer.budget(each.owner, each.budget, each.times),
                "owner_name": each.entity.name,
            }
            for each in shown
        ]
        return list_response(request, "budgets", items, total=len(places), page=page)

    async def rate_limits(self, request: web.Request) -> web.Response:
        """
        List rate limits, Bifrost's one object for each owner.
        """
        page, wanted = _read_query(request)
        snapshot = await self.office.snapshot(request)
        owners = await aside(len(snapshot.keys), _owners, snapshot, wanted)
        found = [each for each in owners if each[2].rate_limits]
        limit, offset = page
        shown = found[offset : offset + limit]
        writer = await self.office.limits(snapshot, [owner for _, owner, _ in shown])
        items = []
        for entity, owner, limits in shown:
            times = entity.created_at, entity.updated_at
            item = writer.rate_limit(owner, limits, times) or {}
            rates = [writer.rate(owner, rate) for rate in limits.rate_limits]
            told = {wire.OWNER_FIELDS[owner.kind]: wire.owner_ref(owner)}
            told |= {"owner": str(owner), "owner_name": entity.name}
            items.append({**item, **told, "rate_limits": rates})
        return list_response(request, "rate_limits", items, total=len(found), page=page)

    async def get(self, request: web.Request) -> web.Response:
        """
        Show one budget.
        """
        place = await self._find(request)
        return json_response({"budget": await self._document(place)})

    async def override(self, request: web.Request) -> web.Response:
        """
        Raise a budget, in place of what it was raised by before.
        """
        return await self._raise(request, keeps=False)

    async def add_override(self, request: web.Request) -> web.Response:
        """
        Raise a budget, beyond what it was raised by before.
        """
        return await self._raise(request, keeps=True)

    async def _raise(self, request: web.Request, *, keeps: bool) -> web.Response:
        place = await self._find(request)
        body = await read_body(request)
        raised = await self._read_raise(body, place, actor_of(request).name)
        body.check()
        now = self.office.now()
        before = [extra for extra in place.budget.overrides if extra.until > now]
        overrides = (*(before if keeps else ()), raised)
        document = await self._put(request, place, overrides)
        return json_response(
            {"message": "Budget raised successfully", "budget": document}
        )

    async def end_override(self, request: web.Request) -> web.Response:
        """
        Bring a budget down to its own limit.
        """
        place = await self._find(request)
        (await read_body(request)).check()
        document = await self._put(request, place, ())
        return json_response(
            {"message": "Budget override removed successfully", "budget": document}
        )

    async def reset(self, request: web.Request) -> web.Response:
        """
        Begin the budget's window anew, with nothing spent; open holds keep theirs.
        """
        place = await self._find(request)
        (await read_body(request)).check()
        await self.office.governor().ledger.reset(self._meter(place))
        self.office.note(request, place.entity, "reset")
        document = await self._document(place)
        return json_response(
            {"message": "Budget reset successfully", "budget": document}
        )

    async def _put(
        self, request: web.Request, place: Place, overrides: tuple[Override, ...]
    ) -> dict[str, Any]:
        budget = attrs.evolve(place.budget, overrides=overrides)
        changed = with_budget(place.entity, place.owner, budget)
        stored = await self.office.put(request, changed, replaces=place.entity)
        return await self._document(attrs.evolve(place, entity=stored, budget=budget))

    async def _read_raise(self, body: Body, place: Place, actor: str) -> Override:
        """
        Read by how much, and for how long: a time, seconds, or windows; else until it is ended.
        """
        amount = body.nano("override_amount")
        if amount is None:
            body.blame("override_amount", "is required: USD")
        elif amount <= 0:
            body.blame("override_amount", "must be more than 0")
        told = [key for key in ("until", "for_s", "cycles") if body.has(key)]
        for key in told[1:]:
            body.blame(key, f"says the same as {told[0]}: write one of them")
        return Override(
            amount=max(amount or 1, 1),
            until=await self._until(body, place),
            reason=body.text("reason", ""),
            actor=actor,
        )

    async def _until(self, body: Body, place: Place) -> float:
        now = self.office.now()
        until = body.moment("until")
        if until is not None and until <= now:
            body.blame("until", "is over already")
        for_s = body.whole("for_s")
        if for_s is not None and not 0 < for_s <= _MAX_RAISE_S:
            body.blame("for_s", f"must be from 1 to {_MAX_RAISE_S}")
            for_s = 1
        cycles = body.whole("cycles")
        if cycles is not None and not 0 < cycles <= _MAX_CYCLES:
            body.blame("cycles", f"must be from 1 to {_MAX_CYCLES}")
            cycles = 1
        if cycles is not None:
            return await self._end_of(place, cycles)
        if for_s is not None:
            return now + for_s
        return FOR_EVER if until is None else until

    async def _end_of(self, place: Place, cycles: int) -> float:
        """
        Return when the window of now, and the next ones, *cycles* in all, are over.
        """
        (standing,) = await self.office.governor().ledger.standing([self._meter(place)])
        start, end = standing.starts / MICROS, standing.ends / MICROS
        for _ in range(cycles - 1):
            window = window_at(
                place.budget.period, end, calendar=place.budget.calendar, anchor=start
            )
            end = window.end
        return min(end, FOR_EVER)

    async def _find(self, request: web.Request) -> Place:
        snapshot = await self.office.snapshot(request)
        found = wire.read_budget_id(request.match_info["bid"])
        place = None if found is None else find_budget(snapshot, *found)
        key_id = request.match_info.get("id")
        if place is None or key_id not in {None, place.entity.id, place.entity.name}:
            raise ApiError(404, "budget_not_found", "There is no budget with this id.")
        return place

    async def _document(self, place: Place) -> dict[str, Any]:
        snapshot = self.office.governor().watch.snapshot
        writer = await self.office.limits(snapshot, [place.owner])
        return writer.budget(place.owner, place.budget, place.times)

    def _meter(self, place: Place) -> Meter:
        snapshot = self.office.governor().watch.snapshot
        return next(
            meter
            for meter in snapshot.owner_meters(place.owner)
            if meter.unit is Unit.MONEY and meter.period is place.budget.period
        )


def find_budget(snapshot: Snapshot, owner: Owner, period: Period) -> Place | None:
    """
    Find the budget of *owner* for *period*.
    """
    entity_id = owner.id
    if owner.kind is OwnerKind.PROVIDER_CONFIG:
        entity_id = owner.id.partition(":")[0]
    entity = snapshot.entity(_ENTITIES[owner.kind], entity_id)
    budgets = snapshot.limits_of(owner).budgets
    budget = next((one for one in budgets if one.period is period), None)
    if entity is None or budget is None:
        return None
    return Place(entity=entity, owner=owner, budget=budget)


_Found = tuple[Any, Owner, Limits]


def _owners(snapshot: Snapshot, wanted: dict[OwnerKind, str]) -> list[_Found]:
    """
    Return everybody who has limits, in a lasting order.
    """
    found = [
        each
        for kind in ("customer", "team", "virtual_key", "model_config")
        for each in _owners_of_kind(snapshot, kind)
        if not wanted or wanted.get(each[1].kind) == each[1].id
    ]
    found.sort(key=lambda each: (each[0].created_at, str(each[1])))
    return found


def _owners_of_kind(snapshot: Snapshot, kind: str) -> Iterator[_Found]:
    kinds = {name: owner for owner, name in reversed(_ENTITIES.items())}
    entities: Iterable[Any] = getattr(snapshot, FIELDS[kind]).values()
    for entity in entities:
        if entity.limits is not NO_LIMITS:
            yield entity, Owner(kinds[kind], entity.id), entity.limits
        for config in getattr(entity, "provider_configs", None) or ():
            if config.limits is not NO_LIMITS:
                owner = Owner(OwnerKind.PROVIDER_CONFIG, config.id)
                yield entity, owner, config.limits


def _read_query(
    request: web.Request,
) -> tuple[tuple[int, int], dict[OwnerKind, str]]:
    query = Query(request)
    wanted = {
        kind: told for name, kind in _FILTERS.items() if (told := query.text(name))
    }
    page = query.page()
    query.check()
    return page, wanted
