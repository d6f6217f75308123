"""
The bench measures what it says: known costs put in are seen coming out.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import attrs
import pytest

from gateway.settings import settings_from_dict

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "contrib"))  # the bench is part of no distribution

from bench import machine, messages, micro, spoken  # noqa: E402
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


def cheapest(caller: Caller, subject: Subject, measure=SMALL) -> float:
    """
    Return the CPU µs of a request in the better of two rounds.
    """
    return min(
        take_sample(caller, subject, measure, seconds=0.25, callers=4).cpu_us
        for _ in range(2)
    )


class TestCpu:
    def test_sees_what_a_request_costs(self, starter, upstream, caller, calibrator):
        """
        A calibrator that wastes a millisecond of CPU on each request is seen to do so.
        """
        slow = attrs.evolve(starter, burn_us=1000.0)

        with slow.calibrator(upstream.port) as burning:
            warm_up(caller, [burning], 20)
            wasted = cheapest(caller, burning) - cheapest(caller, calibrator)

        assert 950 < wasted < 1400

    def test_is_read_finer_than_ticks(self):
        """
        Four milliseconds of work are seen, which a tick of ten would hide.
        """
        script = (
            "import sys, time\n"
            "for _ in sys.stdin:\n"
            "    until = time.process_time() + 0.004\n"
            "    while time.process_time() < until: pass\n"
            "    print(flush=True)"
        )

        with Program.python("worker", ("-c", script), talks=True) as program:
            program.tell(b"warm up")
            program.hear(10)
            before = machine.cpu_s([program.pid])
            program.tell(b"work")
            program.hear(10)
            spent_s = machine.cpu_s([program.pid]) - before

        assert 0.004 <= spent_s < 0.008

    def test_counts_children(self):
        """
        What a subject's children spend and hold is the subject's.
        """
        child = "import sys; print(flush=True); sys.stdin.read()"
        script = (
            "import subprocess, sys\n"
            f"subprocess.run([sys.executable, '-c', {child!r}], check=False)"
        )

        with Program.python("parent", ("-c", script), talks=True) as program:
            program.hear(10)
            pids = machine.tree_of(program.pid)
            both = machine.rss_bytes(pids)
            alone = machine.rss_bytes(pids[:1])

        assert len(pids) == 2
        assert both > alone > 0


class TestLoad:
    def test_answers_are_whole_and_counted(self, caller, upstream):
        """
        As many requests as were asked for are answered, each in a piece of its own.
        """
        found = caller.run(upstream, kind="whole", callers=4, most=40)

        assert (found.requests, found.reads, found.faults) == (40, 40, 0)
        assert 0 < found.p50_ms <= found.p99_ms

    def test_events_arrive_one_at_a_time(self, caller, upstream):
        """
        A stream's events come apart: it takes as long as their pauses, its start not.
        """
        found = caller.run(upstream, kind="drip", callers=1, most=1)

        assert found.requests == 1
        assert found.p50_ms > 1.9 * (messages.EVENTS - 1)
        assert found.first_p50_ms < found.p50_ms / 10
        assert found.reads > messages.EVENTS / 2

    def test_events_arrive_in_a_burst(self, caller, upstream):
        """
        The same events come in a few reads if they were written in one.
        """
        found = caller.run(upstream, kind="burst", callers=1, most=5)

        assert found.requests == 5
        assert found.reads <= 5 * 3

    def test_large_prompts_arrive(self, caller, calibrator):
        """
        A prompt that fills many reads is passed on and answered.
        """
        found = caller.run(calibrator, kind="whole", size=100_000, callers=2, most=6)

        assert (found.requests, found.faults) == (6, 0)

    def test_wrong_answers_are_faults(self, caller, upstream):
        """
        An answer that is not 200 is no request answered, and is told of.
        """
        found = caller.run(upstream, kind="nonsense", callers=1, most=3)

        assert (found.requests, found.faults) == (0, 3)
        assert "404" in found.fault

    def test_nobody_there_is_an_error(self, caller):
        """
        A subject that does not listen stops the bench with its name.
        """
        nobody = Subject(name="nobody", port=free_port())

        with pytest.raises(BenchError, match="nobody was not reached"):
            caller.run(nobody, kind="whole", most=1)

    def test_warming_up_refuses_a_wrong_subject(self, caller, upstream):
        """
        A subject that answers wrongly is found out before anything is measured.
        """
        wrong = attrs.evolve(upstream, name="wrong", prefix="x-")

        with pytest.raises(BenchError, match=r"wrong answers whole: .*404"):
            warm_up(caller, [wrong], 4)

    @pytest.mark.parametrize(
        ("percent", "value"),
        [(0, 1.0), (50, 51.0), (99, 100.0), (100, 100.0)],
        ids=str,
    )
    def test_percentile(self, percent, value):
        """
        A percentile is one of the values, at its place in their order.
        """
        values = [float(number) for number in range(100, 0, -1)]

        assert percentile(values, percent) == value


class TestUpstream:
    @pytest.mark.parametrize(
        "asked",
        [
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"POST / HTTP/1.1\r\ncontent-length: 4\r\n\r\n{  }",
            (
                b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"2\r\n{}\r\n0\r\n\r\n"
            ),
        ],
        ids=["no body", "length", "chunked"],
    )
    def test_finds_where_a_request_ends(self, asked):
        """
        A request ends at its last byte, however it arrives, and not before.
        """
        before = {request_end(asked[:cut]) for cut in range(len(asked))}

        assert before == {None}
        assert request_end(asked + b"GET") == len(asked)


class TestMemory:
    def test_sees_what_a_stream_holds(self, caller):
        """
        A server that takes a million bytes for each stream is seen to do so.
        """
        port = free_port()

        with Program.python("greedy", ("-c", GREEDY, str(port))) as program:
            wait_ready(program, port, "/")
            subject = Subject(name="greedy", port=port, pid=program.pid)
            found = measure_memory(caller, subject, streams=25, size=200)

        assert 0.95e6 < found.stream_bytes < 1.2e6
        assert found.rest_bytes > 3e6

    def test_start_is_timed(self, starter, upstream):
        """
        Each start of a subject is timed, from nothing to its first answer.
        """
        began = time.perf_counter()
        found = measure_start(starter, upstream, ["direct", "calibrator"], times=1)
        took = time.perf_counter() - began

        assert list(found) == ["calibrator"]
        assert 0.03 < found["calibrator"][0] < took


class TestPrograms:
    def test_end_leaves_nothing(self):
        """
        A program is ended, and so is the child that it started and left alone.
        """
        script = (
            "import subprocess\n"
            "child = subprocess.Popen(['sleep', '60'])\n"
            "print(child.pid, flush=True)\n"
            "child.wait()"
        )

        with Program.python("parent", ("-c", script), talks=True) as program:
            child = int(program.hear(10))

        assert not program.is_running
        assert not machine.is_alive(child)

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
    def test_nothing_outlives_the_bench(self, number):
        """
        A bench that is killed cannot end what it started; the kernel does, be it deaf to its input.
        """
        script = (
            "import time\n"
            "from bench.programs import Program\n"
            "program = Program.start('gateway', ['sleep', '60'])\n"
            "print(program.pid, flush=True)\n"
            "time.sleep(60)"
        )

        with Program.python("bench", ("-c", script), talks=True) as program:
            child = int(program.hear(10))
            os.kill(program.pid, number)
            until = time.monotonic() + 10
            while machine.is_alive(child) and time.monotonic() < until:
                time.sleep(0.01)
            outlived = machine.is_alive(child)
            if outlived:
                os.kill(child, signal.SIGKILL)

        assert not outlived

    def test_last_words_are_told(self):
        """
        What a program said before it ended stands in the error.
        """
        script = "raise SystemExit('no such key')"

        with (
            Program.python("mute", ("-c", script)) as program,
            pytest.raises(BenchError, match=r"mute ended(.|\n)*no such key"),
        ):
            wait_ready(program, free_port(), "/")

    def test_silence_ends(self):
        """
        A program that says nothing is waited for so long and no longer.
        """
        script = "import sys; sys.stdin.read()"

        with (
            Program.python("silent", ("-c", script), talks=True) as program,
            pytest.raises(BenchError, match=r"silent said nothing for 0\.05 s"),
        ):
            program.hear(0.05)


class TestSubjects:
    @pytest.mark.needs_nginx
    def test_nginx_is_cheaper_than_the_calibrator(
        self, starter, upstream, caller, calibrator
    ):
        """
        All that is asked is answered by nginx, at less than half the calibrator's CPU.
        """
        with starter.nginx(upstream.port) as subject:
            warm_up(caller, [subject], 50)
            cost = cheapest(caller, subject)

        assert 0 < cost < cheapest(caller, calibrator) / 2

    def test_gateway_answers(self, starter, upstream, caller):
        """
        The gateway answers all that is asked, whole and streamed, without a fault.
        """
        with starter.gateway(upstream.port) as subject:
            warm_up(caller, [subject], 20)
            samples = run_rounds(
                caller, [subject], [SMALL, BURST], rounds=1, seconds=0.1, callers=4
            )

        found = [each for samples in samples.values() for each in samples]
        assert [each.faults for each in found] == [0, 0]
        assert all(each.requests > 0 and each.cpu_us > 0 for each in found)

    @pytest.mark.parametrize("plugins", [(), ("governance",)], ids=["core", "one"])
    def test_gateway_settings_are_valid(self, tmp_path, plugins):
        """
        The gateway's own reader takes the settings that are written for it.
        """
        settings = settings_from_dict(gateway_settings(tmp_path, 8080, 9999, plugins))

        assert settings.hooks.only == plugins
        assert settings.providers["bench"].base_url == "http://127.0.0.1:9999/v1"

    def test_other_gateway_is_read(self):
        """
        Another gateway is named by its base URL, process, key and prefix.
        """
        subject = other_subject("lite=http://127.0.0.1:4000/v1,42,sk-1,openai/")

        assert (subject.name, subject.port, subject.pid) == ("lite", 4000, 42)
        assert subject.path == "/v1/chat/completions"
        assert (subject.key, subject.prefix) == ("sk-1", "openai/")

    @pytest.mark.parametrize(
        "written",
        ["lite", "lite=http://h:1/v1", "lite=ftp://h/v1,1", "lite=http://h/v1,pid"],
        ids=["name alone", "no process", "not http", "no number"],
    )
    def test_other_gateway_must_be_complete(self, written):
        """
        Without name, http URL and process id it is refused.
        """
        with pytest.raises(ValueError, match=r"is not? "):
            other_subject(written)


class TestReport:
    def test_ratio_is_that_of_the_best_rounds(self):
        """
        The ratio is best against best; the median is taken of pairs in one round.
        """
        samples = {
            ("small", "calibrator"): [sample(cpu_us=100.0), sample(cpu_us=400.0)],
            ("small", "gateway"): [sample(cpu_us=300.0), sample(cpu_us=200.0)],
        }
        found = report(samples=samples)

        assert found.ratio(SMALL, "gateway") == (2.0, 1.75)
        assert found.figures() == {"small_ratio": 2.0}
        assert found.missed() == ["small_ratio"]

    def test_page_tells_targets_and_ratios(self):
        """
        The page holds each figure beside its target, and whether it was reached.
        """
        found = report(
            samples={
                ("small", "calibrator"): [sample()],
                ("small", "gateway"): [sample(cpu_us=130.0)],
            },
            memory={"gateway": Memory(rest_bytes=60e6, stream_bytes=3e4, streams=10)},
            starts={"gateway": [0.9, 0.5]},
        )

        page = found.markdown()

        assert "| 1.30 x | <= 1.4 x | reached |" in page
        assert "| memory at rest | 60.00 MB | <= 50 MB | **missed** |" in page
        assert "| from start to ready | 0.50 s | <= 1.5 s | reached |" in page
        assert "| 200 B prompt | 1.30 (1.30) |" in page

    def test_rounds_with_merged_events_do_not_count(self):
        """
        A round whose events arrived together is left out of what an event alone costs.
        """
        samples = {
            ("drip", "gateway"): [
                sample(cpu_us=10.0, reads_per_event=0.4),
                sample(cpu_us=20.0, reads_per_event=1.0),
            ]
        }
        found = report(samples=samples)

        assert found.cpu_us(DRIP, "gateway") == [20.0]
        assert found.doubts() == []

    def test_doubts_events_that_never_came_alone(self):
        """
        If no round had them apart, the figure is shown with a doubt.
        """
        merged = [sample(reads_per_event=0.4)]
        found = report(samples={("drip", "gateway"): merged})

        assert found.cpu_us(DRIP, "gateway") == [100.0]
        assert "drip gateway: 0.40 reads" in found.markdown()


class TestMicro:
    def test_time_of_a_call(self):
        """
        A call that takes a millisecond is found to take one.
        """

        def call() -> None:
            until = time.thread_time() + 0.001
            while time.thread_time() < until:
                pass

        assert 1000 <= micro.best_us(5, 4, call) < 1300

    def test_time_that_others_take(self):
        """
        What the processor does for others meanwhile does not count.
        """
        assert micro.best_us(3, 1, lambda: time.sleep(0.01)) < 5000

    async def test_every_figure_is_there(self):
        """
        Every figure is above nothing, and eight plugins cost more than none.
        """
        figures = await micro.figures(6)

        assert all(figure > 0 for figure in figures.values())
        assert figures["hooks_0_us"] < figures["hooks_8_us"]


class TestCommand:
    def test_prints_a_page_and_writes_json(self, tmp_path):
        """
        One command measures, prints a page, and writes the same figures as JSON.
        """
        file = tmp_path / "bench.json"

        done = bench(
            "--subjects=direct,calibrator",
            "--measures=small,burst",
            "--rounds=1",
            "--seconds=0.1",
            f"--json={file}",
        )

        assert done.returncode == 0, done.stderr
        document = json.loads(file.read_text())
        (small,) = document["samples"]["small/calibrator"]
        assert small["requests"] > 0
        assert document["ratios"]["small/calibrator"] == 1.0
        assert f"| calibrator | {small['cpu_us']:.1f} (" in done.stdout
        assert document["machine"]["cpu"] in done.stdout

    def test_says_what_is_wrong(self):
        """
        An unknown subject is refused, and the known ones are told.
        """
        done = bench("--subjects=direct,squid")

        assert done.returncode == 2
        assert "'squid' is none of direct calibrator nginx gateway" in done.stderr


class TestDetectors:
    def test_no_text_repeats(self):
        """
        Texts are the same in each run, and in one run none is measured twice.
        """
        texts = [spoken.prose(500, chance) for chance in [random.Random(1)] * 20]

        assert len(set(texts)) == 20
        assert texts[0] == spoken.prose(500, random.Random(1))

    @pytest.mark.parametrize("name", spoken.HOSTILE)
    def test_hostile_texts_have_any_size(self, name):
        """
        What is measured is as long as was asked for.
        """
        assert len(spoken.HOSTILE[name](1234)) == 1234

    def test_measures_a_detector(self):
        """
        A detector that was asked for is measured, and no other.
        """
        done = subprocess.run(
            [
                sys.executable,
                str(ROOT / "contrib" / "bench" / "detectors.py"),
                "--detectors=shape",
                "--parts=short",
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

        assert done.returncode == 0, done.stderr
        kind, _, line = done.stdout.splitlines()
        assert kind in {"compiled", "pure Python"}
        told = line.split()
        assert told[0] == "shape"
        assert all(float(figure) > 0 for figure in told[1:])


def bench(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "contrib" / "bench"), "--quick", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
