from __future__ import annotations

import pytest

from gateway import Outcome
from gateway.events import GatewayDraining
from gateway.hookspecs import Plugin
from gateway.plugins import FoundPlugin, check_class, implemented
from gateway.testing import (
    HookCall,
    HookRecorder,
    Script,
    make_attempt,
    make_exchange,
    make_response,
)

CHAT = {"model": "openai/m", "messages": [{"role": "user", "content": "hi"}]}
# What registers, once, and is never called for an exchange.
NOT_NOTED = {"erase_subject", "recall"}


@pytest.fixture(name="recorder")
def _recorder() -> HookRecorder:
    return HookRecorder(HookRecorder.Settings())


def test_it_implements_every_hook_that_is_called_in_service():
    """
    A hook that is added to Plugin is added to the recorder, or named here.
    """
    hooks = {
        name
        for name, member in vars(Plugin).items()
        if hasattr(member, "gateway_spec") and not name.startswith("register_")
    }

    assert check_class(FoundPlugin(name="recorder", cls=HookRecorder)) == []
    assert implemented(HookRecorder) == hooks - NOT_NOTED


async def test_a_call_is_noted_with_its_place(recorder):
    """
    A note says which hook, of which exchange, for which attempt, and what it had come to.
    """
    exchange = make_exchange()
    attempt = make_attempt(exchange)

    await recorder.before_attempt(exchange, attempt)
    exchange.outcome = Outcome.REFUSED
    await recorder.on_complete(exchange)

    assert recorder.calls == [
        HookCall("before_attempt", exchange.id, 1),
        HookCall("on_complete", exchange.id, 0, Outcome.REFUSED),
    ]


async def test_it_changes_nothing(recorder):
    """
    What goes in comes out.
    """
    exchange = make_exchange()
    targets = [make_attempt(exchange).target]

    assert await recorder.pre_request(exchange) is None
    assert recorder.choose_targets(exchange, targets) is targets
    assert await recorder.post_response(exchange, make_response({})) is None


def test_events_are_noted_by_their_class(recorder):
    """
    What happens outside exchanges has no exchange.
    """
    recorder.on_event(GatewayDraining(at=1.0))

    assert recorder.names() == ["on_event GatewayDraining"]
    assert recorder.names("req_test") == []


async def test_a_streams_end_is_noted_with_its_outcome(
    fake_upstream, gateway_client, recorded_hooks
):
    """
    Tap and filter are told how the stream ended, also where the provider broke it off.
    """
    fake_upstream.script("m", Script(text="one two three", split=3, break_after=2))
    client = await gateway_client(HookRecorder, routing={"retries": 0})
    recorder = recorded_hooks(client)

    await client.post("/v1/chat/completions", {**CHAT, "stream": True})

    ends = {call.hook: call.outcome for call in recorder.calls if "closed" in call.hook}
    assert ends == {"tap closed": Outcome.FAILED, "filter closed": Outcome.FAILED}
