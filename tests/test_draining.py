"""
Callers who leave while their provider is listened to.
"""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from gateway import AttemptState, Drain, Outcome, Plugin, hookimpl
from gateway.app import Gateway
from gateway.plugins import FoundPlugin
from gateway.settings import settings_from_dict
from gateway.sinks import MemorySink
from gateway.testing import FakeUpstream, Script, make_request

PIECES = tuple(f"word{index} " for index in range(12))


@pytest.fixture(name="fake")
async def _fake():
    async with FakeUpstream() as fake:
        yield fake


@contextlib.asynccontextmanager
async def draining(fake, drain):
    """
    Run a gateway whose callers may leave; yields it with a list of how attempts ended.
    """
    ended = []

    class Patient(Plugin):
        @hookimpl
        async def pre_request(self, exchange):
            exchange.drain = drain

        @hookimpl
        async def after_attempt(self, exchange, attempt):
            ended.append(attempt)

        @hookimpl
        async def on_complete(self, exchange):
            ended.append(exchange.outcome)

    place = {"type": "openai-compatible", "base_url": fake.openai_url, "auth": "none"}
    settings = settings_from_dict(
        {"providers": {"p": place}, "routing": {"retries": 0}}
    )
    found = [FoundPlugin(name="patient", cls=Patient)]
    async with Gateway(settings, plugins=found, installed=False) as gateway:
        yield gateway, ended


def begin(gateway, *, stream=True):
    messages = [{"role": "user", "content": "hello"}]
    request = make_request({"model": "p/m", "messages": messages, "stream": stream})
    return gateway.exchange(
        dialect=request.dialect,
        operation="generate",
        request=request,
        headers=CIMultiDictProxy(CIMultiDict()),
    )


class Leaving(MemorySink):
    """
    Tells when the caller got *events* writes, and fails further ones if *resets*.
    """

    def __init__(self, events, *, resets=False):
        super().__init__()
        self.events = events
        self.resets = resets
        self.reached = asyncio.Event()

    async def write(self, data):
        if self.resets and len(self.writes) >= self.events:
            raise ConnectionResetError
        await super().write(data)
        if len(self.writes) >= self.events:
            self.reached.set()


async def leave_after(gateway, exchange, events):
    """
    Relay *exchange* to a caller who goes after *events* writes, and let all be settled.
    """
    sink = Leaving(events)
    task = asyncio.ensure_future(gateway.relay(exchange, sink))
    await sink.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gateway.tasks.join(5)


@pytest.mark.parametrize("events", [1, 4, 9])
async def test_the_providers_own_figures_are_heard(fake, events):
    """
    The stream is read to its end without the caller, so usage is what the bill says.
    """
    fake.script("m", Script(pieces=PIECES, event_latency_ms=2))
    async with draining(fake, Drain(max_s=30)) as (gateway, ended):
        await leave_after(gateway, begin(gateway), events)

    attempt, outcome = ended
    assert attempt.state is AttemptState.ANSWERED
    assert attempt.usage.total_output == fake.bill.output_tokens
    assert outcome is Outcome.LEFT
    assert not fake.departures
    assert gateway.in_flight == 0


async def test_a_caller_who_is_missed_at_a_write_is_gone(fake):
    """
    A write that fails before the server noticed is the same as leaving.
    """
    fake.script("m", Script(pieces=PIECES, event_latency_ms=1))
    async with draining(fake, Drain(max_s=30)) as (gateway, ended):
        await gateway.relay(begin(gateway), Leaving(3, resets=True))
        await gateway.tasks.join(5)

    attempt, outcome = ended
    assert attempt.usage.total_output == fake.bill.output_tokens
    assert outcome is Outcome.LEFT


async def test_a_whole_answer_is_waited_for(fake):
    """
    An answer that is not streamed is heard out as well.
    """
    fake.script("m", Script(text="late", latency_ms=50))
    async with draining(fake, Drain(max_s=30)) as (gateway, ended):
        task = asyncio.ensure_future(
            gateway.relay(begin(gateway, stream=False), MemorySink())
        )
        await fake.wait_for(lambda: fake.requests, timeout=5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await gateway.tasks.join(5)

    assert ended[0].usage.total_output == fake.bill.output_tokens > 0


@pytest.mark.parametrize(
    "drain", [Drain(max_s=0.05), Drain(max_s=30, max_events=3)], ids=["time", "events"]
)
async def test_patience_has_an_end(fake, drain):
    """
    A provider who never stops is cut off when the time or the events are over.
    """
    fake.script("m", Script(pieces=("x",), never_end=True, event_latency_ms=1))
    async with draining(fake, drain) as (gateway, ended):
        await leave_after(gateway, begin(gateway), 2)
        await fake.wait_for(lambda: fake.departures, timeout=5)

    attempt, outcome = ended
    assert attempt.state is AttemptState.BROKEN
    assert attempt.usage is None
    assert outcome is Outcome.LEFT
    assert gateway.in_flight == 0


async def test_who_stays_notices_nothing(fake):
    """
    With a drain that nobody needs, the answer is as it is without.
    """
    fake.script("m", Script(pieces=PIECES))
    async with draining(fake, Drain(max_s=30)) as (gateway, ended):
        sink = MemorySink()
        await gateway.relay(begin(gateway), sink)

    assert sink.has_ended
    assert sink.body.count(b"word") == len(PIECES)
    assert ended[1] is Outcome.FINISHED


async def test_an_error_is_told_to_who_stays(fake):
    """
    What fails in the task beside the caller is told to the caller.
    """
    fake.script("m", Script(status=500))
    async with draining(fake, Drain(max_s=30)) as (gateway, ended):
        sink = MemorySink()
        await gateway.relay(begin(gateway), sink)

    assert sink.status == 502
    assert ended[1] is Outcome.FAILED
