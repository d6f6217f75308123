"""
A gateway with guardrails as they are installed, in front of a fake vendor.
"""

from __future__ import annotations

import pytest
from aiohttp import web
from bypasses import RULES

from gateway.plugins import FoundPlugin
from gateway.testing import FakeUpstream, GatewayClient, settings_for
from gateway_guardrails import GuardrailsPlugin


@pytest.fixture
async def fake():
    async with FakeUpstream() as vendor:
        yield vendor


@pytest.fixture
async def start(fake):
    """
    A function that starts a gateway with guardrails, and other plugins that are named.
    """
    clients = []

    async def started(
        rules=None, *others, environ=None, tables=None, providers=None, **more
    ):
        guardrails = {"rules": RULES if rules is None else rules, **more}
        plugins = {"guardrails": guardrails, **(tables or {})}
        instead = {} if providers is None else {"providers": providers}
        client = GatewayClient(
            settings_for(fake, plugins=plugins, **instead),
            plugins=[
                FoundPlugin(name="guardrails", cls=GuardrailsPlugin),
                *(FoundPlugin(name=name, cls=cls) for name, cls in others),
            ],
            environ=environ,
        )
        clients.append(client)
        return await client.__aenter__()

    yield started
    for client in reversed(clients):
        await client.__aexit__(None, None, None)


@pytest.fixture
async def service():
    """
    A service of somebody's that answers as it is told.
    """
    told = {"status": 200, "body": b"{}", "delay": None, "asked": 0}

    async def judge(request):
        told["asked"] += 1
        if told["delay"] is not None:
            await told["delay"].wait()
        return web.Response(status=told["status"], body=told["body"])

    app = web.Application()
    app.router.add_post("/judge", judge)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    told["url"] = f"http://127.0.0.1:{runner.addresses[0][1]}/judge"
    yield told
    if told["delay"] is not None:
        told["delay"].set()
    await runner.cleanup()
