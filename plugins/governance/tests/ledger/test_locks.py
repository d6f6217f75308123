from __future__ import annotations

import asyncio

import pytest

from gateway_governance.ledger.locks import MachineLock, Stuck


async def test_one_at_a_time(tmp_path):
    """
    Of two workers, and of two tasks of one, only one has the lock.
    """
    one, other = MachineLock(tmp_path / "lock"), MachineLock(tmp_path / "lock")
    inside, most = 0, 0

    async def enter(lock):
        nonlocal inside, most
        async with lock():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.003)
            inside -= 1

    await asyncio.gather(*(enter(lock) for lock in (one, one, other, other)))

    assert (most, inside) == (1, 0)


async def test_a_lock_that_nobody_lets_go_of_is_told(tmp_path):
    """
    Waiting for a worker that is stopped ends with an error that names the file.
    """
    one, other = (MachineLock(tmp_path / "lock", patience_s=0.02) for _ in range(2))
    async with one():
        with pytest.raises(Stuck, match="lock: another worker has held this lock"):
            async with other():
                pass


async def test_who_is_cancelled_leaves_the_lock_free(tmp_path):
    """
    A caller that leaves while it waits takes no lock along.
    """
    one, other = MachineLock(tmp_path / "lock"), MachineLock(tmp_path / "lock")

    async def enter():
        async with other():
            pass

    async with one():
        waiting = asyncio.ensure_future(enter())
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(5):
        await enter()
