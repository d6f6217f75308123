"""
Waiting for a change.
"""

from __future__ import annotations

import asyncio
import threading

import pytest

from gateway.testing.fake.watch import Watch


async def test_what_is_true_already_needs_no_change():
    """
    A wait for what is the case ends at once.
    """
    await Watch().wait(lambda: True, 0)


async def test_a_change_wakes():
    """
    A wait ends when something changed and made it true.
    """
    watch, seen = Watch(), []
    waiting = asyncio.ensure_future(watch.wait(lambda: seen, 5))
    await asyncio.sleep(0)

    seen.append(1)
    watch.changed()

    await waiting


async def test_a_change_of_something_else_does_not_wake():
    """
    A wait goes on while its condition does not hold.
    """
    watch = Watch()
    waiting = asyncio.ensure_future(watch.wait(lambda: False, 0.05))
    await asyncio.sleep(0)
    watch.changed()

    with pytest.raises(TimeoutError):
        await waiting


async def test_who_gave_up_is_forgotten():
    """
    A wait that timed out leaves nothing behind.
    """
    watch = Watch()

    with pytest.raises(TimeoutError):
        await watch.wait(lambda: False, 0)

    assert watch._waiters == []


async def test_a_change_in_another_thread_wakes():
    """
    The server may run in another thread than whoever waits.
    """
    watch, seen = Watch(), threading.Event()
    waiting = asyncio.ensure_future(watch.wait(seen.is_set, 5))
    await asyncio.sleep(0)

    def change():
        seen.set()
        watch.changed()

    await asyncio.to_thread(change)

    await waiting


def test_a_thread_without_a_loop_waits_too():
    """
    Blocking clients wait without asyncio.
    """
    watch, seen = Watch(), threading.Event()

    def change():
        seen.set()
        watch.changed()

    thread = threading.Thread(target=change)
    thread.start()
    watch.wait_here(seen.is_set, 5)
    thread.join()

    assert watch._waiters == []


def test_a_thread_that_waits_in_vain_is_told():
    """
    Time is bounded there as well.
    """
    with pytest.raises(TimeoutError):
        Watch().wait_here(lambda: False, 0.01)
