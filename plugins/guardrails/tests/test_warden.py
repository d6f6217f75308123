from __future__ import annotations

import asyncio
import time

from gateway import Phase, Plugin, hookimpl
from gateway.settings import settings_from_dict
from gateway.testing import GatewayClient, make_exchange
from gateway_guardrails.plugin import GuardrailsPlugin
from gateway_guardrails.warden import detector_tools

RULE = {"detectors": ["word"], "action": "block"}


def warden_of(client):
    return client.gateway.plugin(GuardrailsPlugin).warden


async def seen(condition, within_s):
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < within_s
        await asyncio.sleep(0.01)


async def test_every_worker_follows_within_a_second(tmp_path, plugins):
    """
    One is asked, the other one hears of it.
    """
    one, other = (GatewayClient({}, plugins=plugins, data_dir=tmp_path) for _ in "ab")
    async with one, other:
        body = {"name": "mine", "rule": RULE}
        answer = await one.ask("POST", "/api/guardrails/rules", body, None)
        await seen(lambda: warden_of(other).snapshot.find("mine"), within_s=1.0)

        assert answer.status == 201
        assert warden_of(other).snapshot.version == warden_of(one).snapshot.version


async def test_tools_ask_whoever_lets_callers_in(plugins):
    """
    Nobody is asked where nobody does; one of the plugins is enough.
    """

    class Porter(Plugin):
        phase = Phase.OBSERVE

        def knows_credential(self, value):
            return value == "let-me-in"

    async with GatewayClient({}, plugins=plugins) as client:
        without = detector_tools(client.gateway)
    async with GatewayClient({}, plugins=[*plugins, Porter]) as client:
        tools = detector_tools(client.gateway)

    assert without.knows_credential is None
    assert tools.knows_credential("let-me-in")
    assert not tools.knows_credential("let-me-out")


async def test_what_is_stored_outlives_the_gateway(tmp_path, plugins):
    """
    The next one reads it when it starts.
    """
    async with GatewayClient({}, plugins=plugins, data_dir=tmp_path) as client:
        body = {"name": "mine", "rule": RULE}
        await client.ask("POST", "/api/guardrails/rules", body, None)

    async with GatewayClient({}, plugins=plugins, data_dir=tmp_path) as client:
        assert warden_of(client).snapshot.find("mine").action == "block"


async def test_a_reload_brings_the_files_new_rules(guarded):
    """
    And detectors see the new settings.
    """
    before = guarded.detectors.words
    changed = settings_from_dict(
        {"plugins": {"guardrails": {"rules": {"others": RULE}}}}
    )

    await guarded.gateway.reload(changed)
    await seen(lambda: guarded.detectors.words > before, within_s=5.0)

    assert [one.name for one in guarded.warden.snapshot.guardrails] == ["others"]


async def test_a_detector_can_ask_a_model(guarded):
    """
    It makes the request that `gateway.Gateway.call` takes.
    """
    tools = detector_tools(guarded.gateway)

    request = tools.request({"model": "m", "messages": []})

    assert (request.model, request.operation) == ("m", "generate")
    assert tools.settings is guarded.gateway.settings


async def test_what_a_detector_asks_is_known_as_asked(fake, guards):
    """
    So that no judge judges its own question; what others call is looked at by all.
    """
    oracle = {"detectors": [{"type": "oracle", "says": "yes"}], "action": "block"}
    seen = []

    class Chooser(Plugin):
        phase = Phase.ANSWER

        @hookimpl
        async def pre_request(self, exchange):
            chosen = guarded.warden.snapshot.for_request(exchange)
            seen.append([one.name for one in chosen])

    async with guards({"rules": {"asked": oracle}}, plugins=[Chooser]) as guarded:
        tools, parent = detector_tools(guarded.gateway), make_exchange()
        body = {
            "model": "openai/gpt-5",
            "messages": [{"role": "user", "content": "hi"}],
        }
        for call in (tools.call, guarded.gateway.call):
            await call(tools.request(body), parent=parent)

    assert seen == [[], ["asked"]]
