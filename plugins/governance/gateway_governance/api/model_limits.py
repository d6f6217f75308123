"""
The routes of limits for everybody together: on models, and on all that a provider serves.
"""

from __future__ import annotations

from typing import Any

import attrs
from aiohttp import web

from gateway.management import ApiError, json_response
from gateway_governance.api.bodies import Body, read_body
from gateway_governance.api.entities import EntityRoutes
from gateway_governance.api.limits import read_limits
from gateway_governance.api.office import Office, list_response, made
from gateway_governance.api.paging import Query, read_selection
from gateway_governance.checks import there_are
from gateway_governance.entities import ANY, ModelConfig
from gateway_governance.snapshot import Snapshot
from gateway_governance.values import new_id


class ModelConfigRoutes(EntityRoutes[ModelConfig]):
    """
    Answers for limits on models.
    """

    kind = key = "model_config"

    async def list(self, request: web.Request) -> web.Response:
        """
        List them.
        """
        selection = read_selection(
            request, {"provider": "provider", "model_name": "model"}
        )
        snapshot = await self.office.snapshot(request)
        configs, total = selection.of(snapshot.model_configs.values())
        shapes = await self.office.shapes(snapshot, configs)
        items = [shapes.model_config(config) for config in configs]
        return list_response(
            request, "model_configs", items, total=total, page=selection.page
        )

    def blank(self, body: Body) -> ModelConfig:
        """
        Make limits on the model that *body* has to name.
        """
        return ModelConfig(id=f"model_{new_id()}", model=body.required("model_name"))

    def read(self, body: Body, before: ModelConfig) -> ModelConfig:
        """
        Read limits on a model over what they were.
        """
        scope = body.choice("scope", {"global": "global"}, "global")
        if body.name("scope_id", None) is not None:
            body.blame("scope_id", f"a {scope} limit is nobody's in particular")
        return attrs.evolve(
            before,
            name=body.text("name", before.name),
            model=body.text("model_name", before.model),
            provider=body.name("provider", before.provider),
            limits=read_limits(body, before.limits),
        )

    async def document(self, entity: ModelConfig) -> dict[str, Any]:
        """
        Write limits on a model, and what is used of them.
        """
        snapshot = self.office.governor().watch.snapshot
        return (await self.office.shapes(snapshot, [entity])).model_config(entity)


@attrs.frozen(eq=False)
class ProviderRoutes:
    """
    Answers for limits on all that a provider serves.
    """

    office: Office

    async def list(self, request: web.Request) -> web.Response:
        """
        List the providers, with their limits.
        """
        query = Query(request)
        page = query.page()
        query.check()
        snapshot = await self.office.snapshot(request)
        names = sorted(self.office.governor().gateway.runtime.providers)
        limit, offset = page
        found = {
            name: provider_config(snapshot, name)
            for name in names[offset : offset + limit]
        }
        configs = [config for config in found.values() if config is not None]
        shapes = await self.office.shapes(snapshot, configs)
        items = [shapes.provider(name, config) for name, config in found.items()]
        return json_response(
            {
                "providers": items,
                "count": len(items),
                "total_count": len(names),
                "limit": limit,
                "offset": offset,
            }
        )

    async def update(self, request: web.Request) -> web.Response:
        """
        Set the limits of one provider.
        """
        name, before = await self._find(request)
        body = await read_body(request)
        blank = ModelConfig(id=f"model_{new_id()}", provider=name)
        config = attrs.evolve(
            before or blank, limits=read_limits(body, (before or blank).limits)
        )
        body.check()
        stored = await self.office.put(request, config, replaces=before)
        snapshot = self.office.governor().watch.snapshot
        shapes = await self.office.shapes(snapshot, [stored])
        document = shapes.provider(name, stored)
        return made("provider governance", "updated", "provider", document)

    async def delete(self, request: web.Request) -> web.Response:
        """
        Take the limits of one provider away.
        """
        name, config = await self._find(request)
        if config is None:
            msg = f"{name} has no limits of its own."
            raise ApiError(404, "model_config_not_found", msg)
        await self.office.remove(request, config)
        return json_response({"message": "Provider governance deleted successfully"})

    async def _find(self, request: web.Request) -> tuple[str, ModelConfig | None]:
        name = request.match_info["name"]
        providers = self.office.governor().gateway.runtime.providers
        if name not in providers:
            msg = f"There is no such provider{there_are(name, providers)}"
            raise ApiError(404, "provider_not_found", msg)
        return name, provider_config(await self.office.snapshot(), name)


def provider_config(snapshot: Snapshot, name: str) -> ModelConfig | None:
    """
    Find the limits on everything that the provider *name* serves.

    Those that the management API may change go first.
    """
    found = [
        config
        for config in snapshot.model_configs.values()
        if config.provider == name and config.model == ANY
    ]
    found.sort(key=lambda config: (config.is_declared, config.created_at, config.id))
    return found[0] if found else None
