"""
How many entries a second go through a spool into the log, and what each costs.

A program of its own: ``throughput.py FOLDER SECONDS CALLERS BYTES``.  One process appends, CALLERS
at a time, each waiting until its entry is durable; another sequences.  Writes one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

from gateway_audit.sequencing.keys import SigningKeys
from gateway_audit.sequencing.sequencer import POLL_S, Sequencer
from gateway_audit.spool.spool import Spool

ORIGIN = "gw.example/log"


def cpu_s():
    told = resource.getrusage(resource.RUSAGE_SELF)
    return told.ru_utime + told.ru_stime


def sequence(audit, pipe):
    """
    Be the sequencer, as its process is; tell the CPU time that it took.
    """
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    keys = SigningKeys(audit / "keys", audit / "log/keys", ORIGIN)
    sequencer = Sequencer(audit, keys=keys, origin=ORIGIN)
    began = cpu_s()
    while not stop.wait(POLL_S):
        while sequencer.turn() and not stop.is_set():
            pass
    size = sequencer.log.size
    left = time.monotonic()
    sequencer.drain(within_s=120)
    told = {
        "size": sequencer.log.size,
        "size_when_told_to_end": size,
        "drained_s": time.monotonic() - left,
        "cpu_s": cpu_s() - began,
    }
    sequencer.close()
    os.write(pipe, json.dumps(told).encode())


async def append(audit, seconds, callers, size):
    """
    Append for *seconds*; return the count, and the CPU time of the thread and of the loop.
    """
    spool = Spool(audit / "spool")
    clock = time.pthread_getcpuclockid(spool._thread.ident)
    entry = b'{"v":1,"x":"' + b"x" * (size - 14) + b'"}'
    began, thread_began, loop_began = (
        cpu_s(),
        time.clock_gettime(clock),
        time.monotonic(),
    )
    end, count, waits = loop_began + seconds, 0, []

    async def caller():
        nonlocal count
        while (now := time.monotonic()) < end:
            await spool.append(entry)
            waits.append(time.monotonic() - now)
            count += 1

    await asyncio.gather(*(caller() for _ in range(callers)))
    took = time.monotonic() - loop_began
    thread = time.clock_gettime(clock) - thread_began
    total = cpu_s() - began
    await spool.close()
    waits.sort()
    return {
        "entries": count,
        "per_s": count / took,
        "thread_us": thread / count * 1e6,
        "loop_us": (total - thread) / count * 1e6,
        "wait_p50_ms": waits[len(waits) // 2] * 1e3,
        "wait_p99_ms": waits[len(waits) * 99 // 100] * 1e3,
    }


def main():
    folder, seconds, callers, size = Path(sys.argv[1]), *map(int, sys.argv[2:5])
    audit = folder / "audit"
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            sequence(audit, write)
        finally:
            os._exit(0)
    os.close(write)
    told = asyncio.run(append(audit, seconds, callers, size))
    os.kill(child, signal.SIGTERM)
    found = json.loads(os.read(read, 65_536))
    os.waitpid(child, 0)
    told["sequenced_of"] = found["size"]
    told["behind_at_the_end"] = found["size"] - found["size_when_told_to_end"]
    told["sequenced_per_s"] = found["size_when_told_to_end"] / seconds
    told["drained_s"] = found["drained_s"]
    told["sequencer_us"] = found["cpu_s"] / found["size"] * 1e6
    print(json.dumps({name: round(value, 3) for name, value in told.items()}))


if __name__ == "__main__":
    main()
