"""
What ended is gone: bodies are freed with their exchange, not when the collector comes.

The collector comes late on purpose (see `gateway.server.station.freeze`), and one body may have
megabytes: what it had to find would be memory that a stranger fills with refusals.
"""

from __future__ import annotations

import asyncio
import gc
import random
from contextlib import contextmanager

import pytest

from gateway import Plugin, hookimpl
from gateway.errors import Refused
from gateway.filters import StreamFilter
from gateway.plugins import FoundPlugin
from gateway.testing import GatewayClient, Script, settings_for
from gateway.views import Chunk, Request, Response, Text
from gateway_audit import AuditPlugin
from gateway_caching import CachingPlugin
from gateway_governance import GovernancePlugin
from gateway_guardrails import GuardrailsPlugin

PATH = "/v1/chat/completions"
KEY = "vk-of-anna-0123456789abcdef"


def may_break(exchange, where):
    """
    Fail or refuse, if the caller says so by a header.
    """
    if exchange.headers.get("x-refuse") == where:
        raise Refused("not here", status=403, code="not_here")
    if exchange.headers.get("x-break") == where:
        raise RuntimeError("a plugin broke")


class BreakingFilter(StreamFilter):
    """
    Breaks over the first chunk.
    """

    def __init__(self, exchange):
        self.exchange = exchange

    async def feed(self, chunks):
        may_break(self.exchange, "filter")
        return chunks


class Breaking(Plugin):
    """
    Breaks in one hook or the other.
    """

    @hookimpl
    async def pre_request(self, exchange):
        may_break(exchange, "pre_request")

    @hookimpl
    async def before_attempt(self, exchange, attempt):
        may_break(exchange, "before_attempt")

    @hookimpl
    def open_filter(self, exchange, attempt):
        return BreakingFilter(exchange)

    @hookimpl
    async def on_complete(self, exchange):
        may_break(exchange, "on_complete")


@contextmanager
def no_collector():
    """
    Let nothing be freed but by its reference count.
    """
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def lingering():
    """
    Count the views of bodies that are there.
    """
    return sum(isinstance(one, Request | Response) for one in gc.get_objects())


@pytest.fixture(name="client")
async def _client(fake):
    """
    A gateway that asks for keys, and a plugin that breaks.
    """
    governed = {"require_key": True, "virtual_keys": {"anna": {"secret": "env.VK"}}}
    settings = settings_for(
        fake,
        # So many failures in a row that nobody is left alone for them.
        routing={"retries": 0, "failures_to_cool": 1000},
        models={"twice": {"targets": ["openai/m"], "fallbacks": ["anthropic/m"]}},
        plugins={"governance": governed},
    )
    plugins = [
        FoundPlugin(name="governance", cls=GovernancePlugin),
        FoundPlugin(name="breaking", cls=Breaking),
    ]
    async with GatewayClient(settings, plugins=plugins, environ={"VK": KEY}) as client:
        yield client


CASES = {
    "well": ({}, {}),
    "no key": ({}, {"Authorization": "Bearer nobody-knows-this-one"}),
    "no model": ({"model": "nowhere/m"}, {}),
    "refused": ({}, {"x-refuse": "pre_request"}),
    "a plugin fails": ({}, {"x-break": "pre_request"}),
    "an attempt is refused": ({}, {"x-refuse": "before_attempt"}),
    "an attempt fails": ({}, {"x-break": "before_attempt"}),
    "a filter refuses": ({}, {"x-refuse": "filter"}),
    "a filter fails": ({}, {"x-break": "filter"}),
    "the end fails": ({}, {"x-break": "on_complete"}),
    "the provider refuses": ({"model": "openai/refuses"}, {}),
    "the provider is ill": ({"model": "openai/ill"}, {}),
    "the provider hangs up": ({"model": "openai/hangs-up"}, {}),
    "the provider breaks off": ({"model": "openai/breaks"}, {}),
    "the provider tells of an error": ({"model": "openai/errs"}, {}),
    "the provider talks nonsense": ({"model": "openai/nonsense"}, {}),
    "a fallback answers": ({"model": "twice"}, {}),
}


async def lingering_after(client, fake, case, stream):
    """
    Count the bodies that three exchanges leave, which end as *case* says.
    """
    change, headers = CASES[case]
    told = {"Authorization": f"Bearer {KEY}", **headers}
    ask = {"model": "openai/m", "stream": stream, "max_tokens": 50, **change}

    async def asked(words):
        if case == "a fallback answers":
            fake.enqueue(Script(status=503))
        turns = [{"role": "user", "content": words}]
        await client.post(PATH, {**ask, "messages": turns}, told)
        async with asyncio.timeout(10):
            while client.gateway.in_flight:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.005)
        assert len(client.gateway.traces)  # which notes those that wait for it

    await asked("the first one, for what is made once")
    before = lingering()
    for number in range(3):
        await asked(f"question {number}")
    return lingering() - before


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_bodies_are_freed_with_their_exchange(client, fake, stream):
    """
    However it ended, no body is left for the garbage collector to find.
    """
    fake.script("refuses", Script(status=400))
    fake.script("ill", Script(status=503))
    fake.script("hangs-up", Script(hang_up=True))
    fake.script("breaks", Script(text="a b c d e f", split=6, break_after=3))
    fake.script("errs", Script(text="a b c d e f", split=6, error_after=3))
    fake.script("nonsense", Script(raw_body="{", content_type="application/json"))

    with no_collector():
        left = {
            case: await lingering_after(client, fake, case, stream) for case in CASES
        }

    assert not any(left.values()), left


#: Every plugin that looks into streams, and what has it look.
LOOKING = {
    "governance": (GovernancePlugin, {"require_key": False}),
    "guardrails": (
        GuardrailsPlugin,
        {"rules": {"pii": {"detectors": ["pii"], "action": "redact"}}},
    ),
    "audit": (AuditPlugin, {"bodies": "redacted"}),
    "caching": (CachingPlugin, {"store": "memory"}),
}
EVENTS = 60


@pytest.mark.parametrize(
    "path", [PATH, "/v1/messages"], ids=["passed on", "translated"]
)
@pytest.mark.parametrize("name", LOOKING)
async def test_large_events_are_freed_as_they_go(fake, name, path):
    """
    A stream without end grows nothing that only the collector would find.
    """
    plugin, table = LOOKING[name]
    seeded = random.Random(3)
    said = tuple(seeded.randbytes(11_000).hex() for _ in range(EVENTS))
    # What nobody has heard of is looked into as well.
    fake.script("m", Script(pieces=said, extra={"brand": {"new": "words"}}))
    ask = {"model": "openai/m", "stream": True, "max_tokens": 10**6, "temperature": 0}
    turns = [{"role": "user", "content": "hi"}]
    settings = settings_for(fake, plugins={name: table})

    async with GatewayClient(
        settings, plugins=[FoundPlugin(name=name, cls=plugin)]
    ) as client:
        with no_collector():
            answer = await client.post(path, {**ask, "messages": turns})
            left = sum(isinstance(one, Chunk | Text) for one in gc.get_objects())

    assert answer.status == 200
    assert len(answer.body) > EVENTS * 22_000
    assert left < EVENTS // 4
