"""
Every route of the management API, each with the permission that it needs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Final, Literal

from aiohttp import web

from gateway import Route
from gateway_guardrails.api.findings import FindingRoutes
from gateway_guardrails.api.looking import LookingRoutes
from gateway_guardrails.api.rules import RuleRoutes

if TYPE_CHECKING:
    from gateway_guardrails.warden import Warden

ROOT: Final = "/api/guardrails"
READ: Final = "guardrails:read"
WRITE: Final = "guardrails:write"

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Method = Literal["GET", "POST", "PUT", "DELETE"]


def routes(warden: Callable[[], Warden]) -> Iterator[Route]:
    """
    Yield every route.

    Args:
        warden: Returns what guardrails work with, once their life began.
    """
    rules, looking = RuleRoutes(warden), LookingRoutes(warden)
    findings = FindingRoutes(warden)
    # Before the routes of one rule: aiohttp takes the first that fits.
    yield _route("GET", "/detectors", READ, looking.detectors, "What rules may name.")
    yield _route("GET", "/coverage", READ, looking.coverage, "What is checked where.")
    yield _route("POST", "/test", WRITE, looking.test, "Looks at a text.")
    yield _route("GET", "/findings", READ, findings.list, "What was found.")
    yield _route("GET", "/rules", READ, rules.list, "Lists rules.")
    yield _route("POST", "/rules", WRITE, rules.create, "Creates one.")
    one = "/rules/{name}"
    yield _route("GET", one, READ, rules.get, "Shows one.")
    yield _route("PUT", one, WRITE, rules.update, "Replaces one.")
    yield _route("DELETE", one, WRITE, rules.delete, "Removes one.")


def _route(
    method: Method, path: str, permission: str, handler: Answer, summary: str
) -> Route:
    return Route(
        method=method,
        path=ROOT + path,
        permission=permission,
        handler=handler,
        summary=summary,
    )
