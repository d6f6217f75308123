"""
The routes of teams and customers.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final, TypeVar

import attrs
from aiohttp import web

from gateway.management import json_response
from gateway_governance.api.bodies import Body, read_body
from gateway_governance.api.limits import read_limits
from gateway_governance.api.office import Office, aside, list_response, made
from gateway_governance.api.paging import read_selection
from gateway_governance.api.resets import reset_usage
from gateway_governance.api.shapes import Shapes
from gateway_governance.entities import Customer, Team, VirtualKey
from gateway_governance.snapshot import Snapshot
from gateway_governance.values import new_id

#: Teams and keys that a customer is shown with; lists of their own have them all.
MOST_SHOWN: Final = 100

Owned = TypeVar("Owned", Team, VirtualKey)


@attrs.frozen(eq=False)
class TeamRoutes:
    """
    Answers for teams.
    """

    office: Office

    async def list(self, request: web.Request) -> web.Response:
        """
        List them.
        """
        selection = read_selection(
            request, {"customer_id": "customer_id"}, {"is_declared": "is_declared"}
        )
        snapshot = await self.office.snapshot(request)
        teams, total = await aside(
            len(snapshot.teams), selection.of, snapshot.teams.values()
        )
        shapes = await self.office.shapes(snapshot, teams, counts=True)
        items = [shapes.team(team) for team in teams]
        return list_response(request, "teams", items, total=total, page=selection.page)

    async def get(self, request: web.Request) -> web.Response:
        """
        Show one.
        """
        team = await self.office.find(request, "team")
        return json_response({"team": (await self._shapes(team)).team(team)})

    async def create(self, request: web.Request) -> web.Response:
        """
        Create one.
        """
        await self.office.snapshot()
        body = await read_body(request)
        team = read_team(body, Team(id=f"team_{new_id()}", name=""))
        body.check()
        stored = await self.office.put(request, team)
        shapes = await self._shapes(stored)
        return made("team", "created", "team", shapes.team(stored))

    async def update(self, request: web.Request) -> web.Response:
        """
        Change one; what the body does not speak of stays.
        """
        team = await self.office.find(request, "team")
        body = await read_body(request)
        resets = body.flag("reset_budget_usage", default=False)
        changed = read_team(body, team)
        body.check()
        stored = await self.office.put(request, changed, replaces=team)
        if resets:
            await reset_usage(self.office, stored)
        shapes = await self._shapes(stored)
        return made("team", "updated", "team", shapes.team(stored))

    async def delete(self, request: web.Request) -> web.Response:
        """
        Remove one that has no keys.
        """
        await self.office.remove(request, await self.office.find(request, "team"))
        return json_response({"message": "Team deleted successfully"})

    async def _shapes(self, team: Team) -> Shapes:
        snapshot = self.office.governor().watch.snapshot
        return await self.office.shapes(snapshot, [team], counts=True)


@attrs.frozen(eq=False)
class CustomerRoutes:
    """
    Answers for customers.
    """

    office: Office

    async def list(self, request: web.Request) -> web.Response:
        """
        List them.
        """
        selection = read_selection(request, flags={"is_declared": "is_declared"})
        snapshot = await self.office.snapshot(request)
        customers, total = await aside(
            len(snapshot.customers), selection.of, snapshot.customers.values()
        )
        shapes = await self.office.shapes(snapshot, customers, counts=True)
        belongings = await aside(
            len(snapshot.keys), _belongings, snapshot, [one.id for one in customers]
        )
        items = [
            shapes.customer(customer, *belongings[customer.id])
            for customer in customers
        ]
        return list_response(
            request, "customers", items, total=total, page=selection.page
        )

    async def get(self, request: web.Request) -> web.Response:
        """
        Show one.
        """
        customer = await self.office.find(request, "customer")
        return json_response({"customer": await self._document(customer)})

    async def create(self, request: web.Request) -> web.Response:
        """
        Create one.
        """
        await self.office.snapshot()
        body = await read_body(request)
        customer = read_customer(body, Customer(id=f"customer_{new_id()}", name=""))
        body.check()
        stored = await self.office.put(request, customer)
        return made("customer", "created", "customer", await self._document(stored))

    async def update(self, request: web.Request) -> web.Response:
        """
        Change one; what the body does not speak of stays.
        """
        customer = await self.office.find(request, "customer")
        body = await read_body(request)
        resets = body.flag("reset_budget_usage", default=False)
        changed = read_customer(body, customer)
        body.check()
        stored = await self.office.put(request, changed, replaces=customer)
        if resets:
            await reset_usage(self.office, stored)
        return made("customer", "updated", "customer", await self._document(stored))

    async def delete(self, request: web.Request) -> web.Response:
        """
        Remove one that has neither teams nor keys.
        """
        customer = await self.office.find(request, "customer")
        await self.office.remove(request, customer)
        return json_response({"message": "Customer deleted successfully"})

    async def _document(self, customer: Customer) -> dict[str, object]:
        snapshot = self.office.governor().watch.snapshot
        shapes = await self.office.shapes(snapshot, [customer], counts=True)
        belongings = await aside(
            len(snapshot.keys), _belongings, snapshot, [customer.id]
        )
        return shapes.customer(customer, *belongings[customer.id])


def read_team(body: Body, before: Team) -> Team:
    """
    Read a team over what it was.
    """
    return attrs.evolve(
        before,
        name=body.required("name", before.name or None),
        customer_id=body.name("customer_id", before.customer_id),
        models=body.texts("models", before.models),
        limits=read_limits(body, before.limits),
    )


def read_customer(body: Body, before: Customer) -> Customer:
    """
    Read a customer over what it was.
    """
    return attrs.evolve(
        before,
        name=body.required("name", before.name or None),
        limits=read_limits(body, before.limits),
    )


def _belongings(
    snapshot: Snapshot, ids: Iterable[str]
) -> dict[str, tuple[list[Team], list[VirtualKey]]]:
    """
    Find the first teams and keys of each of the customers *ids*.
    """
    found: dict[str, tuple[list[Team], list[VirtualKey]]] = {
        customer_id: ([], []) for customer_id in ids
    }
    for team in snapshot.teams.values():
        if team.customer_id in found:
            found[team.customer_id][0].append(team)
    for key in snapshot.keys.values():
        if key.customer_id in found:
            found[key.customer_id][1].append(key)
    return {
        customer_id: (_first(teams), _first(keys))
        for customer_id, (teams, keys) in found.items()
    }


def _first(entities: list[Owned]) -> list[Owned]:
    ordered = sorted(entities, key=lambda one: one.name)
    return list(islice(ordered, MOST_SHOWN))
