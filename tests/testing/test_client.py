from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from gateway import Plugin, Route, hookimpl
from gateway.management import actor_of, json_response, read_json
from gateway.settings import settings_from_dict
from gateway.testing import GatewayClient, HookRecorder, settings_for

CHAT = {"model": "openai/m", "messages": [{"role": "user", "content": "hi"}]}


class Stamp(Plugin):
    @hookimpl
    async def pre_request(self, exchange):
        exchange.response_headers["x-stamp"] = "seen"


async def test_a_client_asks_through_a_plugin(fake_upstream, gateway_client):
    """
    The kit runs plugin, gateway and vendor over sockets.
    """
    client = await gateway_client(Stamp)

    answer = await client.post("/v1/chat/completions", CHAT)

    assert answer.status == 200
    assert answer.headers["x-stamp"] == "seen"
    assert answer.json["choices"][0]["message"]["content"] == "echo: hi"
    assert fake_upstream.bill[0].model == "m"


class Bell(Plugin):
    """
    Has a route, a key of its own and a file.
    """

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway):
        self.gateway = gateway
        yield

    @hookimpl
    def register_routes(self):
        path = "/api/bells/{id}"
        return [
            Route(method="PUT", path=path, permission="bells:write", handler=self.put)
        ]

    async def put(self, request):
        told = await read_json(request)
        self.gateway.derive("bell/one")
        return json_response({"by": actor_of(request).name, **told}, 201)


async def test_a_client_manages_too(gateway_client):
    """
    Plugins' management routes stand beside the callers', under the same rules.
    """
    admin = {"ann": {"secret": "env.ANN", "role": "admin"}}
    client = await gateway_client(Bell, admin=admin, environ={"ANN": "token-of-ann"})
    told = {"Authorization": "Bearer token-of-ann"}

    denied = await client.ask("PUT", "/api/bells/1", {"tone": "a"})
    answer = await client.ask("PUT", "/api/bells/1", {"tone": "a"}, told)

    assert denied.status == 401
    assert (answer.status, answer.json) == (201, {"by": "ann", "tone": "a"})


async def test_what_plugins_keep_goes_with_the_client(gateway_client):
    """
    No test leaves anything in the data directory of whoever runs it.
    """
    settings = settings_from_dict({"providers": {"demo": {}}})
    async with GatewayClient(settings, plugins=[Bell]) as client:
        await client.ask("PUT", "/api/bells/1", {})
        folder = client.gateway.data_dir
        kept = [path.name for path in folder.iterdir()]

    assert kept == ["secret_key"]
    assert not folder.exists()


async def test_a_stream_is_read_as_events(gateway_client):
    """
    The documents of a stream are at hand.
    """
    client = await gateway_client()

    answer = await client.post("/v1/chat/completions", {**CHAT, "stream": True})

    text = [
        event["choices"][0]["delta"].get("content", "") for event in answer.events()
    ]
    assert "".join(text) == "echo: hi"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_recorder_notes_every_hook(gateway_client, recorded_hooks, stream):
    """
    The hooks of one exchange are called in their order, each as often as it promises.
    """
    client = await gateway_client(HookRecorder)
    recorder = recorded_hooks(client)

    answer = await client.post("/v1/chat/completions", {**CHAT, "stream": stream})

    names = recorder.names(answer.headers["x-gw-request-id"])
    once = list(dict.fromkeys(names))
    way_in = ["pre_request", "choose_targets", "before_attempt"]
    if stream:
        way_back = ["open_tap", "open_filter", "on_stream_chunk", "tap closed"]
        end = ["after_attempt", "filter closed", "post_response", "on_complete"]
    else:
        way_back = ["after_attempt", "open_filter", "filter closed"]
        end = ["post_response", "on_complete"]
    assert once == way_in + way_back + end
    for name in ("pre_request", "after_attempt", "on_complete", "filter closed"):
        assert names.count(name) == 1


def test_an_exchange_is_at_hand(exchange):
    """
    A plugin's method can be called without any gateway.
    """
    assert exchange.request.texts()[0].value == "hi"


async def test_a_client_must_be_entered(fake_upstream):
    """
    Asking before the gateway runs says what to do.
    """
    client = GatewayClient(settings_for(fake_upstream))

    with pytest.raises(RuntimeError, match="enter it first"):
        await client.post("/v1/chat/completions", CHAT)
