from __future__ import annotations

import pytest

from gateway import Plugin, hookimpl
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
