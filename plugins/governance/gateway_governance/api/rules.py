"""
The routes of routing rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import attrs
from aiohttp import web

from gateway_governance.api.bodies import Body
from gateway_governance.api.entities import EntityRoutes
from gateway_governance.api.office import list_response
from gateway_governance.api.paging import read_selection
from gateway_governance.api.shapes import routing_rule
from gateway_governance.entities import RoutingRule, RoutingTarget
from gateway_governance.values import new_id

Scope = Literal["global", "customer", "team", "virtual_key"]

_SCOPES: Final[Mapping[str, Scope]] = {
    "global": "global",
    "customer": "customer",
    "team": "team",
    "virtual_key": "virtual_key",
}


class RoutingRuleRoutes(EntityRoutes[RoutingRule]):
    """
    Answers for routing rules.
    """

    kind = "routing_rule"
    key = "rule"
    has_limits = False

    async def list(self, request: web.Request) -> web.Response:
        """
        List them.
        """
        selection = read_selection(
            request,
            {"scope": "scope", "scope_id": "scope_id"},
            {"enabled": "is_enabled"},
        )
        snapshot = await self.office.snapshot(request)
        rules, total = selection.of(snapshot.rules.values())
        items = [routing_rule(rule) for rule in rules]
        return list_response(request, "rules", items, total=total, page=selection.page)

    def blank(self, body: Body) -> RoutingRule:
        """
        Make a rule without a name.
        """
        return RoutingRule(id=f"rule_{new_id()}", name="")

    def read(self, body: Body, before: RoutingRule) -> RoutingRule:
        """
        Read a routing rule over what it was.
        """
        scope = body.choice("scope", _SCOPES, before.scope)
        scope_id = body.name("scope_id", before.scope_id)
        if scope == "global" and before.scope != "global" and not body.has("scope_id"):
            scope_id = None
        if body.mapping("query"):
            body.blame("query", "is for Bifrost's own pages: leave it out")
        fallbacks = body.texts("fallbacks", before.fallbacks)
        return attrs.evolve(
            before,
            name=body.required("name", before.name or None),
            description=body.text("description", before.description),
            condition=body.text("cel_expression", before.condition),
            targets=_targets(body, before.targets),
            fallbacks=fallbacks or (),
            scope=scope,
            scope_id=scope_id,
            priority=body.whole("priority", before.priority) or 0,
            is_enabled=body.flag("enabled", before.is_enabled),
            chains=body.flag("chain_rule", before.chains),
        )

    async def document(self, entity: RoutingRule) -> dict[str, Any]:
        """
        Write a routing rule.
        """
        return routing_rule(entity)


def _targets(
    body: Body, before: tuple[RoutingTarget, ...]
) -> tuple[RoutingTarget, ...]:
    told = body.tables("targets")
    if told is None:
        return before
    return tuple(_target(each) for each in told)


def _target(body: Body) -> RoutingTarget:
    names = {body.name("key_id", None), body.name("provider_key_name", None)} - {None}
    if len(names) > 1:
        body.blame("key_id", "says another key than provider_key_name")
    weight = body.number("weight", 1.0)
    target = RoutingTarget(
        provider=body.name("provider", None),
        model=body.name("model", None),
        provider_key=names.pop() if names else None,
        weight=1.0 if weight is None else weight,
    )
    body.close()
    return target
