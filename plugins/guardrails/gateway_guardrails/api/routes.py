"""
Every route of the management API, each with the permission that it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from gateway import Route
from gateway.management import ApiRoot
from gateway_guardrails.api.findings import FindingRoutes
from gateway_guardrails.api.looking import LookingRoutes
from gateway_guardrails.api.rules import RuleRoutes

if TYPE_CHECKING:
    from gateway_guardrails.warden import Warden

_API: Final = ApiRoot("guardrails")


def routes(warden: Callable[[], Warden]) -> Iterator[Route]:
    """
    Yield every route.

    Args:
        warden: Returns what guardrails work with, once their life began.
    """
    rules, looking = RuleRoutes(warden), LookingRoutes(warden)
    findings = FindingRoutes(warden)
    # Before the routes of one rule: aiohttp takes the first that fits.
    yield _API.route("GET", "/detectors", looking.detectors, "What rules may name.")
    yield _API.route("GET", "/coverage", looking.coverage, "What is checked where.")
    yield _API.route("POST", "/test", looking.test, "Looks at a text.")
    yield _API.route("GET", "/findings", findings.list, "What was found.")
    yield _API.route("GET", "/rules", rules.list, "Lists rules.")
    yield _API.route("POST", "/rules", rules.create, "Creates one.")
    one = "/rules/{name}"
    yield _API.route("GET", one, rules.get, "Shows one.")
    yield _API.route("PUT", one, rules.update, "Replaces one.")
    yield _API.route("DELETE", one, rules.delete, "Removes one.")
