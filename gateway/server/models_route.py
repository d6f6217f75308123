"""
The list of models, in the shape that the caller's SDK reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import web

from gateway import codec
from gateway.clock import utc_text
from gateway.errors import ModelNotFound
from gateway.server.plain_routes import PlainRoute
from gateway.server.routes import ANTHROPIC

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

    def make(self, request: web.Request, dialect: Dialect) -> web.Response:
        """
        Render what the caller may ask for.
        """
        models = self._reception.gateway.models()
        name = request.match_info.get("id")
        if name is None:
            body = model_list(models, dialect.vendor)
        else:
            body = one_model(models, name, dialect.vendor)
        return web.Response(body=body, content_type="application/json")


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
    Render the one of *models* that is called *name*.

    Raises:
        ModelNotFound: 404.
    """
    for model in models:
        if model.id == name:
            return codec.dumps(_entry(model, vendor))
    raise ModelNotFound(name)


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
