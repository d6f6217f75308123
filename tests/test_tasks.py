from __future__ import annotations

import asyncio

import pytest

from gateway.tasks import Tasks, running


async def test_a_task_is_held_until_it_ends():
    """
    Work that nobody awaits is neither lost nor left behind.
    """
    tasks = Tasks()
    may_end = asyncio.Event()
    tasks.spawn(may_end.wait(), name="waits")
    before = len(tasks)
    may_end.set()

    assert await tasks.join(1) == 0
    assert (before, len(tasks)) == (1, 0)


async def test_what_does_not_end_is_cancelled():
    """
    Joining is bounded: who is late is cancelled, and counted.
    """
    tasks = Tasks()
    task = tasks.spawn(asyncio.Event().wait(), name="hangs")

    assert await tasks.join(0.01) == 1
    assert task.cancelled()


async def test_a_failure_that_nobody_awaits_is_no_warning():
    """
    An exception in a task is taken note of, so that asyncio does not complain later.
    """

    async def fails():
        raise ValueError

    tasks = Tasks()
    tasks.spawn(fails(), name="fails")

    assert await tasks.join(1) == 0


async def test_what_runs_beside_a_block_ends_with_it():
    """
    Whatever ends the block, and all of it.
    """
    steps = []

    async def loop(name):
        steps.append(f"{name} begins")
        try:
            await asyncio.Event().wait()
        finally:
            steps.append(f"{name} ends")

    async def fail():
        async with running(loop("a"), loop("b"), name="loop"):
            await asyncio.sleep(0)  # so that they begin
            raise KeyError

    with pytest.raises(KeyError):
        await fail()

    assert steps == ["a begins", "b begins", "a ends", "b ends"]
