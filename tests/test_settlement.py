from __future__ import annotations

import asyncio

import pytest

from gateway import AttemptState, Plugin, Refused, hookimpl
from gateway.hooks import Hooks
from gateway.plugins import FoundPlugin, load_plugins
from gateway.settings import settings_from_dict
from gateway.settlement import Settlement
from gateway.tasks import Tasks
from gateway.testing import make_attempt, make_exchange


def settling(*, at_once=False, **actions):
    """
    Make a settlement of one exchange under a plugin that notes calls and acts as told.
    """
    calls: list[str] = []

    class Waiting(Plugin):
        @hookimpl
        async def after_attempt(self, exchange, attempt):
            calls.append(f"after {attempt.number}")
            if "after" in actions:
                await actions["after"]()

        @hookimpl
        async def on_complete(self, exchange):
            calls.append("complete")
            if "complete" in actions:
                await actions["complete"]()

    class AtOnce(Plugin):
        @hookimpl
        def after_attempt(self, exchange, attempt):
            calls.append(f"after {attempt.number}")

        @hookimpl
        def on_complete(self, exchange):
            calls.append("complete")
            if "complete" in actions:
                actions["complete"]()

    found = [FoundPlugin(name="notes", cls=AtOnce if at_once else Waiting)]
    hooks = Hooks(load_plugins(settings_from_dict({}), found))
    exchange = make_exchange()
    return Settlement(hooks, exchange, Tasks()), exchange, calls


async def test_each_attempt_is_settled_once_and_before_the_exchange():
    """
    Complete settles what was not settled yet, and runs once however often it is asked.
    """
    settlement, exchange, calls = settling()
    first = make_attempt(exchange, state=AttemptState.ANSWERED, entered_from=0)
    make_attempt(exchange, state=AttemptState.SENT, entered_from=0)

    await settlement.attempt(first)
    await settlement.attempt(first)
    await asyncio.gather(settlement.complete(), settlement.complete())

    assert calls == ["after 1", "after 2", "complete"]
    assert exchange.attempts[1].state is AttemptState.BROKEN


async def test_an_attempt_that_was_only_planned_was_not_sent():
    """
    Settling tells whether anything can have reached the provider.
    """
    settlement, exchange, _ = settling()
    attempt = make_attempt(exchange)

    await settlement.complete()

    assert attempt.state is AttemptState.NOT_SENT
    assert attempt.not_sent


async def test_cancelling_who_waits_does_not_cancel_the_work():
    """
    The hook goes on although the caller is gone, and who asks again waits for it.
    """
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow():
        begun.set()
        await may_end.wait()

    settlement, exchange, calls = settling(after=slow)
    attempt = make_attempt(exchange, entered_from=0)
    waiting = asyncio.ensure_future(settlement.attempt(attempt))
    await begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    may_end.set()

    await settlement.complete()

    assert calls == ["after 1", "complete"]


async def test_what_on_complete_refuses_comes_back():
    """
    The error that must not be passed over is returned, to everyone who asks.
    """

    async def refuse():
        raise Refused("unrecorded")

    settlement, _, _ = settling(complete=refuse)

    assert str(await settlement.complete()) == "unrecorded"
    assert str(await settlement.complete()) == "unrecorded"


async def test_where_nobody_waits_all_is_done_before_anybody_can_leave():
    """
    Hooks that are written with def need no task, and still run once, attempts first.
    """
    settlement, exchange, calls = settling(at_once=True)
    make_attempt(exchange, state=AttemptState.ANSWERED, entered_from=0)
    make_attempt(exchange, state=AttemptState.SENT, entered_from=0)
    leaving = asyncio.ensure_future(settlement.complete())
    leaving.cancel()  # before its first step

    for step in (settlement.attempt(exchange.attempts[0]), settlement.complete()):
        with pytest.raises(StopIteration):
            step.send(None)
    await settlement.complete()

    assert calls == ["after 1", "after 2", "complete"]
    assert exchange.attempts[1].state is AttemptState.BROKEN
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_what_is_refused_at_once_comes_back_each_time():
    """
    The error that must not be passed over is kept for everyone who asks.
    """

    def refuse():
        raise Refused("unrecorded")

    settlement, _, _ = settling(at_once=True, complete=refuse)

    assert str(await settlement.complete()) == "unrecorded"
    assert str(await settlement.complete()) == "unrecorded"
