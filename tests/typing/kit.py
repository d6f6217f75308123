"""
The test kit, as authors of plugins use it.
"""

from __future__ import annotations

from typing import Any, assert_type

from gateway import Attempt, Chunk, Exchange, Plugin, Request, Response
from gateway.testing import (
    ClientAnswer,
    FakeUpstream,
    GatewayClient,
    HookRecorder,
    ManualClock,
    Script,
    make_attempt,
    make_chunk,
    make_exchange,
    make_request,
    make_response,
    settings_for,
)


def parts_are_made_without_a_gateway() -> None:
    """
    What hooks are called with can be made by hand.
    """
    exchange = make_exchange({"model": "m"}, headers={"x": "y"}, clock=ManualClock())

    assert_type(exchange, Exchange)
    assert_type(make_attempt(exchange), Attempt)
    assert_type(make_request(), Request)
    assert_type(make_response({}), Response)
    assert_type(make_chunk(b"data: {}\n\n"), Chunk)


async def a_gateway_is_asked(plugin: type[Plugin]) -> None:
    """
    One line starts it, one asks it.
    """
    async with FakeUpstream(strict=True) as fake:
        fake.script("m", Script(text="hello"))
        assert_type(fake.openai_url, str)
        settings = settings_for(fake, routing={"retries": 0})
        assert_type(settings, dict[str, Any])
        async with GatewayClient(settings, plugins=[plugin, HookRecorder]) as client:
            assert_type(client, GatewayClient)
            answer = await client.post("/v1/chat/completions", {"model": "openai/m"})
            assert_type(answer, ClientAnswer)
            assert_type(answer.status, int)
