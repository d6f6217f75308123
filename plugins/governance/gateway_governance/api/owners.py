"""
The routes of teams and customers.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, Final, TypeVar

import attrs
from aiohttp import web

from gateway_governance.api.bodies import Body
from gateway_governance.api.entities import EntityRoutes
from gateway_governance.api.limits import read_limits
from gateway_governance.api.office import aside, list_response
from gateway_governance.api.paging import read_selection
from gateway_governance.entities import Customer, Team, VirtualKey
from gateway_governance.snapshot import Snapshot
from gateway_governance.values import new_id

#: Teams and keys that a customer is shown with; lists of their own have them all.
MOST_SHOWN: Final = 100

Owned = TypeVar("Owned", Team, VirtualKey)


class TeamRoutes(EntityRoutes[Team]):
    """
    Answers for teams.
    """

    kind = key = "team"

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

    def blank(self, body: Body) -> Team:
        """
        Make a team without a name.
        """
        return Team(id=f"team_{new_id()}", name="")

    def read(self, body: Body, before: Team) -> Team:
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

    async def document(self, entity: Team) -> dict[str, Any]:
        """
        Write a team, with how many keys it has.
        """
        snapshot = self.office.governor().watch.snapshot
        shapes = await self.office.shapes(snapshot, [entity], counts=True)
        return shapes.team(entity)


class CustomerRoutes(EntityRoutes[Customer]):
    """
    Answers for customers.
    """

    kind = key = "customer"

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

    def blank(self, body: Body) -> Customer:
        """
        Make a customer without a name.
        """
        return Customer(id=f"customer_{new_id()}", name="")

    def read(self, body: Body, before: Customer) -> Customer:
        """
        Read a customer over what it was.
        """
        return attrs.evolve(
            before,
            name=body.required("name", before.name or None),
            limits=read_limits(body, before.limits),
        )

    async def document(self, entity: Customer) -> dict[str, Any]:
        """
        Write a customer, with the first of its teams and keys.
        """
        snapshot = self.office.governor().watch.snapshot
        shapes = await self.office.shapes(snapshot, [entity], counts=True)
        belongings = await aside(len(snapshot.keys), _belongings, snapshot, [entity.id])
        return shapes.customer(entity, *belongings[entity.id])


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
