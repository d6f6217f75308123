"""
Every route of the management API, each with the permission that it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from gateway import Route
from gateway.management import PUBLIC, ApiRoot
from gateway_governance.api.budgets import BudgetRoutes
from gateway_governance.api.entities import EntityRoutes
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

_API: Final = ApiRoot("governance")


def routes(governor: Callable[[], Governor]) -> Iterator[Route]:
    """
    Yield every route.

    Args:
        governor: Returns what governance works with, once its life began.
    """
    office = Office(governor)
    keys = VirtualKeyRoutes(office)
    # Before the routes of one key: aiohttp takes the first that fits.
    yield _API.route(
        "GET",
        "/virtual-keys/quota",
        keys.quota,
        "What is left of it.",
        permission=PUBLIC,
    )
    yield from _entities("/virtual-keys", keys)
    yield _API.route("POST", "/virtual-keys/{id}/rotate", keys.rotate, "New value.")
    yield from _entities("/teams", TeamRoutes(office))
    yield from _entities("/customers", CustomerRoutes(office))
    yield from _entities("/routing-rules", RoutingRuleRoutes(office))
    yield from _entities("/pricing-overrides", PricingOverrideRoutes(office))
    yield from _entities("/model-configs", ModelConfigRoutes(office))
    providers = ProviderRoutes(office)
    yield _API.route("GET", "/providers", providers.list, "And their limits.")
    one = "/providers/{name}"
    yield _API.route("PUT", one, providers.update, "Limits all that it serves.")
    yield _API.route("DELETE", one, providers.delete, "Ends its limits.")
    yield from _budgets(BudgetRoutes(office))
    prices = PriceRoutes(office)
    yield _API.route("GET", "/prices", prices.list, "What is charged, or missing.")
    usage = UsageRoutes(office)
    yield _API.route("GET", "/usage", usage.totals, "Who used what, added up.")
    yield _API.route("GET", "/usage/rows", usage.rows, "Attempt by attempt.")
    ledger = LedgerRoutes(office)
    yield _API.route("GET", "/ledger/burned", ledger.burned, "Outcomes unknown.")
    yield _API.route("GET", "/ledger/check", ledger.check, "Counts it again.")
    burned = "/ledger/burned/{hold_id}/resolve"
    yield _API.route("POST", burned, ledger.resolve, "Says what it came to.")


def _budgets(budgets: BudgetRoutes) -> Iterator[Route]:
    one = "/budgets/{bid}"
    yield _API.route("GET", "/budgets", budgets.list, "Lists budgets.")
    yield _API.route("GET", "/rate-limits", budgets.rate_limits, "Lists rate limits.")
    yield _API.route("GET", one, budgets.get, "Shows one.")
    yield _API.route("POST", f"{one}/reset", budgets.reset, "Begins it anew.")
    for path in (one, "/virtual-keys/{id}" + one):
        path += "/override"
        yield _API.route("PUT", path, budgets.override, "Raises it.")
        yield _API.route("POST", path, budgets.add_override, "Raises it further.")
        yield _API.route("DELETE", path, budgets.end_override, "Ends all raises.")


def _entities(path: str, handlers: EntityRoutes[Any]) -> Iterator[Route]:
    """
    Yield the five routes of one kind of entity.
    """
    one = f"{path}/{{id}}"
    yield _API.route("GET", path, handlers.list, "Lists them.")
    yield _API.route("POST", path, handlers.create, "Creates one.")
    yield _API.route("GET", one, handlers.get, "Shows one.")
    yield _API.route("PUT", one, handlers.update, "Changes one.")
    yield _API.route("DELETE", one, handlers.delete, "Removes one.")
