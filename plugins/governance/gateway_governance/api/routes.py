"""
Every route of the management API, each with the permission that it needs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Final, Literal, Protocol

from aiohttp import web

from gateway import Route
from gateway_governance.api.budgets import BudgetRoutes
from gateway_governance.api.ledger import LedgerRoutes
from gateway_governance.api.model_limits import ModelConfigRoutes, ProviderRoutes
from gateway_governance.api.office import Office
from gateway_governance.api.owners import CustomerRoutes, TeamRoutes
from gateway_governance.api.prices import PriceRoutes
from gateway_governance.api.pricing import PricingOverrideRoutes
from gateway_governance.api.rules import RoutingRuleRoutes
from gateway_governance.api.usage import UsageRoutes
from gateway_governance.api.virtual_keys import VirtualKeyRoutes

if TYPE_CHECKING:
    from gateway_governance.governor import Governor

ROOT: Final = "/api/governance"
READ: Final = "governance:read"
WRITE: Final = "governance:write"
PUBLIC: Final = "public"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Entities(Protocol):
    """
    Answers for one kind of entity.
    """

    async def list(self, request: web.Request) -> web.Response:
        """
        List them.
        """

    async def create(self, request: web.Request) -> web.Response:
        """
        Create one.
        """

    async def get(self, request: web.Request) -> web.Response:
        """
        Show one.
        """

    async def update(self, request: web.Request) -> web.Response:
        """
        Change one.
        """

    async def delete(self, request: web.Request) -> web.Response:
        """
        Remove one.
        """


def routes(governor: Callable[[], Governor]) -> Iterator[Route]:
    """
    Yield every route.

    Args:
        governor: Returns what governance works with, once its life began.
    """
    office = Office(governor)
    keys = VirtualKeyRoutes(office)
    # Before the routes of one key: aiohttp takes the first that fits.
    yield _route(
        "GET", "/virtual-keys/quota", PUBLIC, keys.quota, "What is left of it."
    )
    yield from _entities("/virtual-keys", keys)
    yield _route("POST", "/virtual-keys/{id}/rotate", WRITE, keys.rotate, "New value.")
    yield from _entities("/teams", TeamRoutes(office))
    yield from _entities("/customers", CustomerRoutes(office))
    yield from _entities("/routing-rules", RoutingRuleRoutes(office))
    yield from _entities("/pricing-overrides", PricingOverrideRoutes(office))
    yield from _entities("/model-configs", ModelConfigRoutes(office))
    providers = ProviderRoutes(office)
    yield _route("GET", "/providers", READ, providers.list, "And their limits.")
    one = "/providers/{name}"
    yield _route("PUT", one, WRITE, providers.update, "Limits all that it serves.")
    yield _route("DELETE", one, WRITE, providers.delete, "Ends its limits.")
    yield from _budgets(BudgetRoutes(office))
    prices = PriceRoutes(office)
    yield _route("GET", "/prices", READ, prices.list, "What is charged, or missing.")
    usage = UsageRoutes(office)
    yield _route("GET", "/usage", READ, usage.totals, "Who used what, added up.")
    yield _route("GET", "/usage/rows", READ, usage.rows, "Attempt by attempt.")
    ledger = LedgerRoutes(office)
    yield _route("GET", "/ledger/burned", READ, ledger.burned, "Outcomes unknown.")
    yield _route("GET", "/ledger/check", READ, ledger.check, "Counts it again.")
    burned = "/ledger/burned/{hold_id}/resolve"
    yield _route("POST", burned, WRITE, ledger.resolve, "Says what it came to.")


def _budgets(budgets: BudgetRoutes) -> Iterator[Route]:
    one = "/budgets/{bid}"
    yield _route("GET", "/budgets", READ, budgets.list, "Lists budgets.")
    yield _route("GET", "/rate-limits", READ, budgets.rate_limits, "Lists rate limits.")
    yield _route("GET", one, READ, budgets.get, "Shows one.")
    yield _route("POST", f"{one}/reset", WRITE, budgets.reset, "Begins it anew.")
    for path in (one, "/virtual-keys/{id}" + one):
        path += "/override"
        yield _route("PUT", path, WRITE, budgets.override, "Raises it.")
        yield _route("POST", path, WRITE, budgets.add_override, "Raises it further.")
        yield _route("DELETE", path, WRITE, budgets.end_override, "Ends all raises.")


def _entities(path: str, handlers: Entities) -> Iterator[Route]:
    """
    Yield the five routes of one kind of entity.
    """
    one = f"{path}/{{id}}"
    yield _route("GET", path, READ, handlers.list, "Lists them.")
    yield _route("POST", path, WRITE, handlers.create, "Creates one.")
    yield _route("GET", one, READ, handlers.get, "Shows one.")
    yield _route("PUT", one, WRITE, handlers.update, "Changes one.")
    yield _route("DELETE", one, WRITE, handlers.delete, "Removes one.")


def _route(
    method: Method, path: str, permission: str, handler: Handler, summary: str
) -> Route:
    return Route(
        method=method,
        path=ROOT + path,
        permission=permission,
        handler=handler,
        summary=summary,
    )
