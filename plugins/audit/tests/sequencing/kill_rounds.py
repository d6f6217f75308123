"""
Writers and sequencers that are killed, over and over, against a file of what was acknowledged.

A program of its own: it forks a writer and a sequencer, kills both, from outside or by themselves
in the midst of what they ask of the disk, lets another sequencer go on, and verifies the log.  Run
as ``kill_rounds.py FOLDER ROUNDS SEED``; says what it found as one line of JSON a round.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

from gateway_audit.sequencing.keys import SigningKeys
from gateway_audit.sequencing.sequencer import Sequencer
from gateway_audit.spool import writer as segments
from gateway_audit.spool.disk import Disk
from gateway_audit.spool.spool import Spool
from gateway_audit.testing import entries_of
from gateway_audit.verifying.checking import verify
from gateway_audit.verifying.sources import source_of
from gateway_audit.verifying.trust import Trust

ORIGIN = "gw.example/log"
TASKS = 16
#: Few enough that they are written again and again in each round.
segments.CLEAR_BYTES, segments.LEAST_CLEAR_BYTES = 20_000, 5_000


class DeadlyDisk(Disk):
    """
    A disk of which each call may be the last thing that this process does.
    """

    def __init__(self, chance, rng):
        self._chance, self._random = chance, rng

    def danger(self):
        if self._random.random() < self._chance:
            os.kill(os.getpid(), signal.SIGKILL)

    def write(self, descriptor, content, at):
        self.danger()
        if self._random.random() < self._chance:
            super().write(descriptor, content[: len(content) // 2], at)
            os.kill(os.getpid(), signal.SIGKILL)
        return super().write(descriptor, content, at)

    def create(self, path, size):
        self.danger()
        return super().create(path, size)

    def sync(self, descriptor):
        self.danger()
        super().sync(descriptor)
        self.danger()

    def sync_folder(self, folder):
        self.danger()
        super().sync_folder(folder)

    def rename(self, old, new):
        self.danger()
        super().rename(old, new)
        self.danger()

    def remove(self, path):
        super().remove(path)
        self.danger()


async def write(folder, mark, disk):
    """
    Be a worker until killed: note each entry once it was acknowledged.
    """
    acks = os.open(folder / "acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    spool = Spool(folder / "audit/spool", disk=disk, segment_bytes=200_000)
    count = 0

    async def note(append):
        nonlocal count
        count += 1
        entry = b"%s/%d/%s" % (mark.encode(), count, b"x" * random.randrange(400))
        await append(entry)
        os.write(acks, entry + b"\n")

    async def one():
        while True:
            await note(spool.append)
            # Long enough for a thread that nobody else asks to be idle, or not.
            await asyncio.sleep(random.random() * 0.0004)
            await note(spool.append_relaxed)

    await asyncio.gather(*(one() for _ in range(random.choice((1, 2, TASKS)))))


def open_sequencer(folder, disk=None):
    audit = folder / "audit"
    keys = SigningKeys(audit / "keys", audit / "log/keys", ORIGIN)
    return Sequencer(audit, keys=keys, origin=ORIGIN, disk=disk, checkpoint_s=0.01)


def sequence(folder, disk):
    """
    Be the sequencer until killed.
    """
    sequencer = open_sequencer(folder, disk)
    while True:
        sequencer.turn()
        time.sleep(0.001)


def fork(work):
    """
    Run *work* in a process of its own.
    """
    child = os.fork()
    if child:
        return child
    try:
        work()
    except Exception:  # noqa: BLE001 - a child must not run on
        traceback.print_exc()
    finally:
        os._exit(1)


def round_of(folder, number, rng):
    """
    Start both, end both, whoever is first.
    """
    chance = rng.choice((0.0, 0.0, 0.002, 0.02))
    seed = rng.random()
    writer = fork(
        lambda: asyncio.run(
            write(folder, f"r{number}", DeadlyDisk(chance, random.Random(seed)))
        )
    )
    sequencer = fork(
        lambda: sequence(folder, DeadlyDisk(chance, random.Random(seed + 1)))
    )
    children = [writer, sequencer]
    rng.shuffle(children)
    kills = 0
    for child in children:
        time.sleep(rng.uniform(0.01, 0.12))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        kills += os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    return kills


def main():
    folder, rounds, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    log = folder / "audit/log"
    open_sequencer(folder).close()
    keys = SigningKeys(folder / "audit/keys", log / "keys", ORIGIN)
    trust = Trust.of(vkeys=[str(keys.signer(0).verifier)])
    remembered = None
    for number in range(rounds):
        kills = round_of(folder, number, rng)
        sequencer = open_sequencer(folder)
        sequencer.drain()
        sequencer.close()
        report = verify(source_of(str(log)), trust, remembered=remembered)
        remembered = bytes(report.signed)
        found = entries_of(
            lambda path: (log / path).read_bytes(), report.checkpoint.size
        )
        acks = (folder / "acks").read_bytes().split(b"\n")[:-1]
        counted = Counter(found)
        told = {
            "kills": kills,
            "acknowledged": len(acks),
            "lost": sum(entry not in counted for entry in acks),
            "doubled": sum(count > 1 for count in counted.values()),
            "size": len(found),
            "left": len(list((folder / "audit/spool").iterdir())),
        }
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
