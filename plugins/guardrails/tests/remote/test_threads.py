"""
Threads of a detector's own.
"""

from __future__ import annotations

import asyncio
import threading

import pytest

from gateway.detecting import DetectorFailed
from gateway_guardrails.remote.threads import Threads


async def test_a_place_is_taken_until_its_call_has_ended():
    """
    Who gave up waiting has not ended the call, and another must not run beside it.
    """
    threads, ends = Threads(1, "test"), threading.Event()
    has_begun, loop = asyncio.Event(), asyncio.get_running_loop()
    began: list[int] = []

    def call(number: int) -> None:
        began.append(number)
        loop.call_soon_threadsafe(has_begun.set)
        ends.wait(10)

    first = asyncio.ensure_future(threads.run(lambda: call(1)))
    await has_begun.wait()
    first.cancel()
    second = asyncio.ensure_future(threads.run(lambda: call(2)))
    await asyncio.wait([second], timeout=0.05)
    was_alone = began == [1]
    ends.set()
    await second

    assert was_alone
    assert began == [1, 2]
    assert await threads.close(10)


async def test_runs_outside_the_default_threads():
    """
    Names are resolved in asyncio's own threads, which a hanging service must not use up.
    """
    threads = Threads(1, "test-bedrock")

    name = await threads.run(lambda: threading.current_thread().name)

    assert name.startswith("test-bedrock")
    assert await threads.close(10)


async def test_takes_no_call_once_it_is_closed():
    """
    A judge of settings that were replaced says so in words of its own.
    """
    threads = Threads(1, "test")
    await threads.close(10)
    threads._free.release()

    with pytest.raises(DetectorFailed, match="unavailable"):
        await threads.run(lambda: None)


async def test_says_that_a_call_did_not_end_in_time():
    """
    Closing waits, but not for ever.
    """
    threads, ends = Threads(1, "test"), threading.Event()
    waiting = asyncio.ensure_future(threads.run(lambda: ends.wait(10)))
    await asyncio.sleep(0)

    has_ended = await threads.close(0.01)
    ends.set()
    await waiting

    assert not has_ended
