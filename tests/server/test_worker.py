from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.server.control import Link
from gateway.server.launch import Launch
from gateway.server.worker import Order, admin_socket, worker_socket
from gateway.settings import Address


def order_of(folder: Path, settings: str) -> Order:
    file = folder / "gateway.yaml"
    file.write_text(settings)
    return Order(
        index=1,
        launch=Launch(file=file),
        listen=Address("127.0.0.1", 0),
        folder=folder,
        is_shared=True,
    )


@pytest.fixture
def work():
    """
    Start workers without a supervisor.
    """
    started = []

    def start(order: Order, *program: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, *(program or ("-m", "gateway.server.worker"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd())},
        )
        started.append(process)
        process.stdin.write(order.line())
        process.stdin.flush()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_order_survives_the_way(tmp_path):
    """
    What the supervisor wrote is what the worker reads.
    """
    order = order_of(tmp_path, "version: 1\n")

    assert Order.read(order.line()) == order


def test_sockets_have_names_of_their_own(tmp_path):
    """
    No two processes listen at one path.
    """
    names = {worker_socket(tmp_path, 0), worker_socket(tmp_path, 1)}

    assert len(names | {admin_socket(tmp_path)}) == 3


def test_says_that_it_serves_and_goes_with_its_supervisor(work, tmp_path):
    """
    It answers with its digest, and ends well when its standard input ends.
    """
    worker = work(order_of(tmp_path, "version: 1\nproviders: {demo: {}}\n"))

    told = json.loads(worker.stdout.readline())
    worker.stdin.close()

    assert told["event"] == "started"
    assert told["pid"] == worker.pid
    assert worker.wait(30) == 0
    worker.stdin = None


#: A worker that adds to what it says whether it is ready by then.
WATCHED = """
from gateway.server import worker

class Watched(worker.Station):
    def __init__(self, *arguments):
        global state
        super().__init__(*arguments)
        state = lambda: self.health.why_not

say = worker._say
worker.Station = Watched
worker._say = lambda told: say({**told, "state": state()})
worker.main()
"""


async def test_is_ready_as_soon_as_its_supervisor_was_told(work, tmp_path):
    """
    And not before: management, which the supervisor hands to it, would have nobody to answer.
    """
    order = order_of(tmp_path, "version: 1\nproviders: {demo: {}}\n")
    worker = work(order, "-c", WATCHED)
    told = json.loads(await asyncio.to_thread(worker.stdout.readline))

    link = Link(order.socket)
    status = await link.ask("GET", "/control/status")
    await link.close()

    assert told["state"] == "not started"
    assert status["state"] == "ready"


def test_says_why_it_cannot_serve(work, tmp_path):
    """
    Problems with the settings come back with their places.
    """
    worker = work(order_of(tmp_path, "version: 1\nmodels: {fast: nowhere/x}\n"))

    told = json.loads(worker.stdout.readline())

    assert told["event"] == "failed"
    assert told["problems"][0]["where"].endswith("gateway.yaml:2:16")
    assert worker.wait(30) == 1
