from __future__ import annotations

import asyncio
import os
import signal

import pytest

from gateway.server.children import Child, ChildFailed

SAYS = """
import json, os, signal, sys
told = json.loads(sys.stdin.readline())
print(json.dumps({**told, "pid": os.getpid()}), flush=True)
if told["event"] == "started":
    signal.pause()
"""
STUBBORN = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
""" + SAYS.replace("signal.pause()", "while True: signal.pause()")


@pytest.fixture
async def child_of(tmp_path):
    """
    Make children of a program, that end with the test.
    """
    made = []

    def make(program: str = SAYS, order: bytes = b'{"event":"started"}\n', **options):
        (tmp_path / "program_of_test.py").write_text(program)
        environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)}
        child = Child("toy", "program_of_test", lambda: order, environ, **options)
        made.append(child)
        return child

    yield make
    for child in made:
        child.kill()
        await child.stop(10)


async def test_is_ready_when_it_says_so(child_of):
    """
    The line that it answers with comes back, and it runs.
    """
    child = child_of()

    told = await child.start()

    assert told["pid"] == child.pid
    await child.stop(10)
    assert child.pid is None


async def test_is_not_ready_before_it_says_so(child_of):
    """
    Neither one that has yet to speak, nor one that is gone: others answer until then.
    """
    child = child_of(order=b'{"event":"started"}')  # whose line has no end

    async def start():
        with pytest.raises(ChildFailed):
            await child.start()

    async with asyncio.TaskGroup() as group:
        group.create_task(start())
        async with asyncio.timeout(30):
            while child.pid is None:  # noqa: ASYNC110 - a process tells nobody
                await asyncio.sleep(0)
        before = child.is_ready
        child.kill()

    assert not before
    child.order = lambda: b'{"event":"started"}\n'
    await child.start()
    assert child.is_ready
    await child.stop(10)
    assert not child.is_ready


async def test_says_why_it_cannot_start(child_of):
    """
    What a child finds wrong reaches whoever started it.
    """
    order = b'{"event":"failed","problems":[{"message":"no"}]}\n'

    with pytest.raises(ChildFailed) as caught:
        await child_of(order=order).start()

    assert caught.value.problems == [{"message": "no"}]


async def test_dies_without_a_word(child_of):
    """
    A child that ends before it spoke has failed, too.
    """
    with pytest.raises(ChildFailed):
        await child_of("raise SystemExit(3)").start()


async def test_is_started_again_when_it_dies(child_of):
    """
    A killed child has a successor, which is told of.
    """
    ready: asyncio.Queue[dict] = asyncio.Queue()
    child = child_of(on_ready=ready.put)
    first = await child.start()
    async with asyncio.TaskGroup() as group:
        group.create_task(child.keep())
        os.kill(first["pid"], signal.SIGKILL)

        async with asyncio.timeout(30):
            second = await ready.get()

        assert second["pid"] != first["pid"]
        assert child.restarted == 1
        await child.stop(10)


async def test_is_renewed_with_another_order(child_of):
    """
    It ends and begins again, by what its order says then.
    """
    ready: asyncio.Queue[dict] = asyncio.Queue()
    child = child_of(on_ready=ready.put)
    first = await child.start()
    async with asyncio.TaskGroup() as group:
        group.create_task(child.keep())
        child.order = lambda: b'{"event":"started","says":"other"}\n'
        child.renew()

        async with asyncio.timeout(30):
            second = await ready.get()

        assert second["pid"] != first["pid"]
        assert second["says"] == "other"
        await child.stop(10)


async def test_is_left_alone_where_it_must_not_restart(child_of):
    """
    A process that runs once and is done stays done.
    """
    child = child_of(restarts=False)
    first = await child.start()

    os.kill(first["pid"], signal.SIGKILL)
    async with asyncio.timeout(30):
        await child.keep()

    assert child.restarted == 0


async def test_is_killed_if_it_will_not_end(child_of):
    """
    A child that ignores SIGTERM ends all the same.
    """
    child = child_of(STUBBORN)
    await child.start()

    await child.stop(0.2)

    assert child.pid is None
