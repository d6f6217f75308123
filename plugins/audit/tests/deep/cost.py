"""
What being audited costs those who call, and whoever runs the machine.

A program of its own: ``cost.py ROUNDS SECONDS``.  One gateway with the audit at ``intent`` and one
without run at the same time on one core, the sequencer too, and are asked in turns: at 30 % of what
the one without can do, and with as many requests as there are answers.  Writes one line of JSON.

An intent is on the disk before a provider is asked, so a request waits for the disk as long as the
disk takes: ``disk`` is that alone, measured between the rounds.  TMPDIR=/dev/shm takes it out.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
sys.path.append(str(ROOT / "contrib"))

from bench.machine import PROC, Cores, cpu_s, tree_of  # noqa: E402
from bench.rounds import Caller, warm_up  # noqa: E402
from bench.subjects import Starter  # noqa: E402

SHARE = 0.3
CALLERS = {"thirty": 32, "full": 8}


def parts_of(pid):
    """
    Tell a gateway's processes apart: the one that sequences, and all others.
    """
    pids = tree_of(pid)
    sequencers = [each for each in pids if is_sequencer(each)]
    return [each for each in pids if each not in sequencers], sequencers


def is_sequencer(pid):
    return b"gateway.server.once" in (PROC / str(pid) / "cmdline").read_bytes()


def ask(caller, subject, load, seconds, per_s=0.0):
    """
    Put one load on one subject; tell latencies, and the CPU time of each part.
    """
    parts = parts_of(subject.pid)
    before = [cpu_s(part) for part in parts]
    found = caller.run(
        subject, kind="whole", callers=CALLERS[load], seconds=seconds, per_s=per_s
    )
    assert not found.faults, found.fault
    spent = [cpu_s(part) - was for part, was in zip(parts, before, strict=True)]
    gateway_us, sequencer_us = (each * 1e6 / found.requests for each in spent)
    return {
        "per_s": found.requests / found.seconds,
        "p50_ms": found.p50_ms,
        "p99_ms": found.p99_ms,
        "gateway_us": gateway_us,
        "sequencer_us": sequencer_us,
    }


def sync_ms(folder, count=50):
    """
    Write and sync as a spool does, with nobody else on it; tell how long each took.
    """
    path, found = folder / "disk", []
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    os.posix_fallocate(descriptor, 0, 1024 * count)
    for number in range(count):
        began = time.perf_counter()
        os.pwrite(descriptor, b"x" * 1024, 1024 * number)
        os.fdatasync(descriptor)
        found.append((time.perf_counter() - began) * 1e3)
    os.close(descriptor)
    path.unlink()
    return found


def measure(folder, rounds, seconds):
    cores = Cores.apart()
    starter = Starter(cores=cores, folder=folder, plugins=("audit",))
    samples, syncs = {}, []
    with (
        Caller.start(cores) as caller,
        starter.upstream(0) as upstream,
        starter.gateway(upstream.port) as off,
        starter.with_plugins(upstream.port) as on,
    ):
        warm_up(caller, (off, on), 500)
        per_s = SHARE * ask(caller, off, "full", 3.0)["per_s"]
        for number in range(rounds):
            syncs += sync_ms(folder)
            for load, rate in (("thirty", per_s), ("full", 0.0)):
                both = (("off", off), ("on", on))
                for name, subject in both if number % 2 else both[::-1]:
                    found = ask(caller, subject, load, seconds, rate)
                    samples.setdefault((load, name), []).append(found)
    syncs.sort()
    disk = {
        "p50_ms": round(syncs[len(syncs) // 2], 3),
        "p99_ms": round(syncs[len(syncs) * 99 // 100], 3),
    }
    return {**{load: compare(samples, load) for load in CALLERS}, "disk": disk}


def compare(samples, load):
    """
    Take the median of every figure, and what the audit adds to it round by round.
    """
    off, on = samples[load, "off"], samples[load, "on"]

    def middle(name, found):
        return statistics.median(each[name] for each in found)

    def added(name):
        pairs = zip(on, off, strict=True)
        return statistics.median(one[name] - other[name] for one, other in pairs)

    told = {
        "per_s_off": middle("per_s", off),
        "per_s_on": middle("per_s", on),
        "p50_ms_off": middle("p50_ms", off),
        "p99_ms_off": middle("p99_ms", off),
        "added_p50_ms": added("p50_ms"),
        "added_p99_ms": added("p99_ms"),
        "gateway_us_off": middle("gateway_us", off),
        "added_gateway_us": added("gateway_us"),
        "sequencer_us": middle("sequencer_us", on),
    }
    return {name: round(value, 3) for name, value in told.items()}


def main():
    rounds, seconds = int(sys.argv[1]), float(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="gatewright-audit-cost-") as folder:
        print(json.dumps(measure(Path(folder), rounds, seconds)))


if __name__ == "__main__":
    main()
