"""
A gateway with the cache in it, in front of a fake vendor.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess

import pytest

from gateway import Identity, Phase, Plugin, hookimpl
from gateway.plugins import FoundPlugin
from gateway.testing import GatewayClient, settings_for
from gateway_caching import CachingPlugin

ASK = {
    "model": "openai/m",
    "temperature": 0,
    "messages": [{"role": "user", "content": "hello"}],
}


class NamingPlugin(Plugin):
    """
    Takes who calls from headers, as an identity plugin would from a credential.
    """

    phase = Phase.IDENTIFY

    @hookimpl
    async def pre_request(self, exchange):
        told = exchange.headers
        if "x-key" in told:
            exchange.identity = Identity(
                key_id=told["x-key"],
                team_id=told.get("x-team"),
                customer_id=told.get("x-customer"),
                facts={"team_name": told.get("x-team-name", "")},
            )


@pytest.fixture
async def start(fake_upstream):
    """
    A function that starts a gateway with the cache; keywords are the plugin's settings.
    """
    clients = []

    async def started(
        *plugins, environ=None, data_dir=None, hooks=None, providers=None, **settings
    ):
        tables = {"plugins": {"caching": settings}}
        if hooks:
            tables["hooks"] = hooks
        if providers:
            tables["providers"] = providers
        client = GatewayClient(
            settings_for(fake_upstream, **tables),
            plugins=[
                FoundPlugin(name="caching", cls=CachingPlugin),
                FoundPlugin(name="naming", cls=NamingPlugin),
                *plugins,
            ],
            environ=environ,
            data_dir=data_dir,
        )
        clients.append(client)
        return await client.__aenter__()

    yield started
    for client in reversed(clients):
        await client.__aexit__(None, None, None)


@pytest.fixture(name="until")
def _until():
    """
    A function that waits until something is so, for what tells nobody that it happened.
    """

    async def waited(is_so):
        async with asyncio.timeout(20):
            while not is_so():  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.005)

    return waited


@pytest.fixture(name="shelf_of")
def _shelf_of():
    """
    A function that finds the cache of a client's gateway.
    """

    def found(client):
        return client.gateway.plugin(CachingPlugin).shelf

    return found


@pytest.fixture
def ask(fake_upstream):
    """
    A function that asks a client, and tells what the cache said and whether a vendor was asked.
    """

    async def asked(client, document=None, path="/v1/chat/completions", **headers):
        before = len(list(fake_upstream.requests))
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await client.post(path, document or ASK, told)
        answer.cache = answer.headers.get("x-gw-cache")
        answer.was_asked = len(list(fake_upstream.requests)) - before
        return answer

    return asked


@pytest.fixture(scope="session")
def redis_port():
    """
    A Redis of our own, on a port of its own.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [
            *(shutil.which("redis-server") or "redis-server", "--port", str(port)),
            *("--bind", "127.0.0.1", "--save", "", "--appendonly", "no"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in server.stdout:
        if "Ready to accept connections" in line:
            break
    yield port
    server.terminate()
    server.wait(20)
    server.stdout.close()
