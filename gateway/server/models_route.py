"""
The list of models, in the shape that the caller's SDK reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import web

from gateway import codec
from gateway.clock import utc_text
from gateway.errors import ModelNotFound
from gateway.listing import LIST_MODELS
from gateway.server import guards
from gateway.server.plain_routes import PlainRoute
from gateway.server.routes import ANTHROPIC
from gateway.views import Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.dialects import Dialect


class Listing(Protocol):
    """
    One model that callers may ask for.
    """

    @property
    def id(self) -> str:
        """
        The name to ask for it by.
        """

    @property
    def provider(self) -> str:
        """
        Who runs it.
        """

    @property
    def created(self) -> int | None:
        """
        Unix seconds, where known.
        """


class ModelsRoute(PlainRoute):
    """
    One route that lists models, or shows the one that its path names.
    """

    async def make(
        self, request: web.Request, dialect: Dialect, request_id: str
    ) -> web.Response:
        """
        Render what the caller may ask for.
        """
        gateway = self._reception.gateway
        name = request.match_info.get("id")
        exchange = gateway.exchange(
            dialect=dialect,
            operation=LIST_MODELS,
            request=Request(dialect, doc={"model": name or ""}, operation=LIST_MODELS),
            headers=request.headers,
            peer=guards.peer_of(request),
            path=self._path,
            request_id=request_id,
        )
        models = await gateway.list_models(exchange)
        if name is None:
            body = model_list(models, dialect.vendor)
        else:
            body = one_model(models, name, dialect.vendor)
        headers = {
            "Content-Type": "application/json",
            # What one caller may know is not for another.
            "Cache-Control": "no-store",
            "x-gw-request-id": exchange.id,
            **exchange.response_headers,
        }
        return web.Response(body=body, headers=headers)


def model_list(models: Sequence[Listing], vendor: str) -> bytes:
    """
    Render *models*, all of them on one page: ``limit`` and its like are passed over.
    """
    entries = [_entry(model, vendor) for model in models]
    if vendor != ANTHROPIC:
        return codec.dumps({"object": "list", "data": entries})
    return codec.dumps(
        {
            "data": entries,
            "has_more": False,
            "first_id": models[0].id if models else None,
            "last_id": models[-1].id if models else None,
        }
    )


def one_model(models: Sequence[Listing], name: str, vendor: str) -> bytes:
    """
    Render the one of *models* that is called *name*, or that it means without its provider's.

    Raises:
        ModelNotFound: 404.
    """
    for model in models:
        if model.id == name:
            return codec.dumps(_entry(model, vendor))
    meant = [model for model in models if model.id.partition("/")[2] == name]
    if (
        len(meant) != 1
    ):  # none, or several providers have it: a request would be refused too
        raise ModelNotFound(name)
    return codec.dumps(_entry(meant[0], vendor) | {"id": name})


def _entry(model: Listing, vendor: str) -> dict[str, Any]:
    created = model.created or 0
    if vendor == ANTHROPIC:
        return {
            "type": "model",
            "id": model.id,
            "display_name": model.id,
            "created_at": f"{utc_text(created)[:19]}Z",
        }
    return {
        "id": model.id,
        "object": "model",
        "created": created,
        "owned_by": model.provider,
    }
