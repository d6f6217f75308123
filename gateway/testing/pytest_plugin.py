"""
Fixtures for authors of plugins; pytest finds them where Gatewright is installed.

Beside the names that `gateway` itself has, nothing is imported until a fixture asks for it: pytest
loads this module in every run, also where no test is about a gateway.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gateway import Exchange
    from gateway.testing import FakeUpstream, GatewayClient, HookRecorder

try:
    from pytest_asyncio import fixture as async_fixture
except ImportError:  # then tests run async code in some other way, or not at all
    async_fixture = pytest.fixture  # type: ignore[assignment]


@pytest.fixture
def exchange() -> Exchange:
    """
    An exchange of an OpenAI chat caller, to call hooks with.
    """
    from gateway.testing import make_exchange

    return make_exchange()


@async_fixture
async def fake_upstream() -> AsyncIterator[FakeUpstream]:
    """
    A fake vendor on a port of its own.
    """
    from gateway.testing import FakeUpstream

    async with FakeUpstream() as fake:
        yield fake


@async_fixture
async def gateway_client(
    fake_upstream: FakeUpstream,
) -> AsyncIterator[Callable[..., Any]]:
    """
    A function that starts a gateway with the given plugins in front of `fake_upstream`.

    ``client = await gateway_client(MyPlugin, plugins={"my": {...}})``; keyword arguments are
    tables of the settings, and *environ* is where their references ``env.…`` lead.
    """
    from gateway.testing import GatewayClient, settings_for

    async with AsyncExitStack() as stack:

        async def start(
            *plugins: Any, environ: Mapping[str, str] | None = None, **tables: Any
        ) -> GatewayClient:
            settings = settings_for(fake_upstream, **tables)
            client = GatewayClient(settings, plugins=plugins, environ=environ)
            return await stack.enter_async_context(client)

        yield start


@pytest.fixture
def recorded_hooks() -> Callable[[GatewayClient], HookRecorder]:
    """
    A function that finds the `HookRecorder` among a client's plugins.
    """
    from gateway.testing import HookRecorder

    def find(client: GatewayClient) -> HookRecorder:
        return client.gateway.plugin(HookRecorder)

    return find
