"""
A dialect that a plugin brings: callers reach it at its own path, and it is translated.
"""

from __future__ import annotations

from typing import ClassVar

import pytest

from gateway import Phase, Plugin, hookimpl
from gateway.dialects.openai_chat import OpenAIChat
from gateway.errors import PluginError
from gateway.server.routes import check_dialects
from gateway.settings import settings_from_dict
from gateway.testing import FakeUpstream
from gateway.testing.client import GatewayClient, settings_for

HELLO = {"messages": [{"role": "user", "content": "hi"}]}


class ToyDialect(OpenAIChat):
    """
    Chat completions, whose model stands in the path.
    """

    name = "toy_chat"
    served_at: ClassVar = {"/toy/models/{model}:ask": "generate"}

    def read_call(self, raw, operation, values):
        body = b'{"model":"%s",%s' % (values["model"].encode(), raw.strip()[1:])
        return self.read_request(body, operation)


class ToyPlugin(Plugin):
    phase = Phase.SHAPE

    @hookimpl
    def register_dialects(self):
        return [ToyDialect()]


@pytest.fixture
async def client():
    async with FakeUpstream() as fake:
        settings = settings_for(fake, models={"fast": "openai/m"})
        async with GatewayClient(settings, plugins=[ToyPlugin]) as client:
            yield client


async def test_is_served_at_its_path(client):
    """
    The path's value reaches the reader, and the answer comes from the provider.
    """
    answer = await client.post("/toy/models/fast:ask", HELLO)

    assert answer.status == 200, answer.body
    assert answer.json["choices"][0]["message"]["content"] == "echo: hi"
    assert answer.headers["x-gw-model"] == "m"


async def test_streams_there(client):
    """
    A stream is one at this path too.
    """
    answer = await client.post("/toy/models/fast:ask", {**HELLO, "stream": True})

    texts = [e["choices"][0]["delta"].get("content") or "" for e in answer.events()]
    assert "".join(texts) == "echo: hi"


async def test_tells_errors_there(client):
    """
    What cannot be read, and another method, are told in the dialect's words.
    """
    broken = await client.post("/toy/models/fast:ask", b"{")
    other = await client.ask("GET", "/toy/models/fast:ask")

    assert (broken.status, broken.headers["x-gw-code"]) == (400, "invalid_request")
    assert (other.status, other.headers["x-gw-code"]) == (405, "method_not_allowed")


async def test_is_gone_when_a_reload_takes_its_plugin_away(client):
    """
    A path without its dialect leads nowhere.
    """
    client.gateway._extra = []
    await client.gateway.reload(client.gateway.settings)

    answer = await client.post("/toy/models/fast:ask", HELLO)

    assert (answer.status, answer.headers["x-gw-code"]) == (404, "route_not_found")


@pytest.mark.parametrize(
    ("path", "operation", "why"),
    [
        ("/v1/chat/completions", "generate", "is taken"),
        ("/v1/models", "generate", "is taken"),
        ("/api/toy", "generate", "is none for callers"),
        ("toy", "generate", "is none for callers"),
        ("/toy", "embed", "is for embed, which the dialect does not speak"),
    ],
)
def test_takes_nobodys_path(path, operation, why):
    """
    Two at one path, or one where management stands, are an error that names the dialect.
    """

    class Taker(OpenAIChat):
        name = "taker"
        served_at: ClassVar = {path: operation}

    from gateway.dialects import core_dialects

    dialects = {dialect.name: dialect for dialect in (*core_dialects(), Taker())}

    with pytest.raises(PluginError, match=why) as caught:
        check_dialects(dialects)

    assert "taker" in str(caught.value)


def test_the_cores_own_are_in_order():
    """
    Without plugins there is nothing to complain of.
    """
    from gateway.app import Gateway

    gateway = Gateway(settings_from_dict({}), installed=False, environ={})

    check_dialects(gateway.dialects)
