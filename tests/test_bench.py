"""
The bench measures what it says: known costs put in are seen coming out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.settings import settings_from_dict

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "contrib"))  # the bench is part of no distribution

from bench import machine, messages, micro  # noqa: E402
from bench.load import percentile  # noqa: E402
from bench.machine import Cores, Machine  # noqa: E402
from bench.memory import Memory, measure_memory, measure_start  # noqa: E402
from bench.programs import BenchError, Program, free_port, wait_ready  # noqa: E402
from bench.report import Report  # noqa: E402
from bench.rounds import (  # noqa: E402
    BURST,
    DRIP,
    MEASURES,
    SMALL,
    Caller,
    Sample,
    run_rounds,
    take_sample,
    warm_up,
)
from bench.subjects import (  # noqa: E402
    Starter,
    Subject,
    gateway_settings,
    other_subject,
)
from bench.upstream import request_end  # noqa: E402

#: Answers everything at once, and takes a million bytes for every connection.
GREEDY = """
import asyncio, sys
FIRST = b"HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n3\\r\\nabc\\r\\n"
WHOLE = b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok"

class Greedy(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.kept = b""

    def data_received(self, data):
        if b"stall" in data:
            self.kept = b"x" * 1_000_000
            self.transport.write(FIRST)
        else:
            self.transport.write(WHOLE)

async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Greedy, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def starter(tmp_path_factory):
    return Starter(cores=Cores(), folder=tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def upstream(starter):
    with starter.upstream(0) as subject:
        yield subject


@pytest.fixture(scope="module")
def caller():
    with Caller.start(Cores()) as caller:
        yield caller


@pytest.fixture(scope="module")
def calibrator(starter, upstream, caller):
    with starter.calibrator(upstream.port) as subject:
        warm_up(caller, [subject], 50)
        yield subject


def sample(**values) -> Sample:
    known = {
        "cpu_us": 100.0,
        "per_s": 1000.0,
        "p50_ms": 1.0,
        "p99_ms": 2.0,
        "first_p50_ms": 1.0,
        "first_p99_ms": 2.0,
        "reads_per_event": 1.0,
        "requests": 100,
        "faults": 0,
        "fault": "",
    }
    return Sample(**known | values)


def report(**values) -> Report:
    known = {
        "machine": Machine(
            date="2026-01-01",
            cpu="abacus",
            cores=2,
            system="Linux",
            python="CPython",
            versions={"aiohttp": "3"},
            load_average=0.1,
        ),
        "options": {"rounds": 2, "seconds": 1.0, "callers": 32, "pinned": "not pinned"},
        "subjects": ["direct", "calibrator", "gateway"],
        "measures": MEASURES,
        "samples": {},
    }
    return Report(**known | values)


class TestCpu:
    def test_sees_what_a_request_costs(self, starter, upstream, caller, calibrator):
        """
        A calibrator that wastes a millisecond of CPU on each request is seen to do so.
        """
        slow = Starter(cores=Cores(), folder=starter.folder, burn_us=1000.0)

        with slow.calibrator(upstream.port) as burning:
            warm_up(caller, [burning], 20)
            samples = run_rounds(
                caller,
                [calibrator, burning],
                [SMALL],
                rounds=2,
                seconds=0.25,
                callers=4,
            )

        (_, plain), (_, burned) = (
            (key, min(each.cpu_us for each in found)) for key, found in samples.items()
        ) if False else _both(caller, calibrator, starter, upstream)
        assert 950 < burned - plain < 1400

    def test_is_read_finer_than_ticks(self):
        """
        Four milliseconds of work are seen, which a tick of ten would hide.
        """
        program = Program.python(
            "worker",
            (
                "-c",
                "import sys, time\n"
                "for _ in sys.stdin:\n"
                "    until = time.process_time() + 0.004\n"
                "    while time.process_time() < until: pass\n"
                "    print(flush=True)",
            ),
            talks=True,
        )
        with program:
            program.tell(b"")
            program.hear(10)
            before = machine.cpu_s([program.pid])
            program.tell(b"")
            program.hear(10)
            spent = machine.cpu_s([program.pid]) - before

        assert 0.004 <= spent < 0.008
