"""
The gateway inside somebody else's aiohttp application.

::

    gateway = Gateway(settings_from_dict({...}), plugins=[MyPlugin])
    app = web.Application()
    app.add_subapp("/ai/", subapp(gateway))
    web.run_app(app)

Callers then set ``http://host/ai/v1`` as the base URL of OpenAI's clients, ``http://host/ai`` as
that of Anthropic's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.server.application import callers_app
from gateway.server.health import Health

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web

    from gateway.app import Gateway


def subapp(gateway: Gateway) -> web.Application:
    """
    Return what callers of *gateway* reach, to be added to an application or to be one.

    It starts the gateway when the application starts, and stops it with it.  Who may call is the
    gateway's to decide, as under ``gatewright serve``: while no plugin authenticates callers,
    this machine alone may.  There is no management API; ask the `Gateway` itself.

    An application that is to notice at once when a caller leaves needs the runner's
    ``handler_cancellation=True``, which aiohttp leaves off.
    """
    health = Health(ask=gateway.not_ready)
    app = callers_app(gateway, health)

    async def life(_: web.Application) -> AsyncIterator[None]:
        async with gateway:
            health.ready()
            yield

    app.cleanup_ctx.append(life)
    return app
