"""
What a spool acknowledged is in its files, whatever the disk does.
"""

from __future__ import annotations

import asyncio
import errno
import os
import time
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from gateway_audit.spool import writer
from gateway_audit.spool.disk import Disk
from gateway_audit.spool.frames import MAX_ENTRY_BYTES
from gateway_audit.spool.names import segments
from gateway_audit.spool.spool import AuditUnavailable, Spool
from gateway_audit.spool.writer import CLEAR_BYTES
from gateway_audit.testing import FaultyDisk, entries_in

SMALL = 100 * 1024


async def test_what_is_acknowledged_stands_in_the_file_in_order(tmp_path):
    """
    Entries come back as they were given, in the order in which they were.
    """
    spool = Spool(tmp_path)

    await asyncio.gather(*(spool.append(b"entry %d" % at) for at in range(100)))

    assert entries_in(tmp_path) == [b"entry %d" % at for at in range(100)]
    await spool.close()


async def test_many_that_come_together_wait_once(tmp_path):
    """
    A thousand entries that are queued at once need few syncs.
    """
    disk = FaultyDisk()
    disk.gate.clear()
    spool = Spool(tmp_path, disk=disk, patience_s=30)
    waiting = [spool.append(b"entry") for _ in range(1000)]
    disk.gate.set()

    await asyncio.gather(*waiting)

    assert disk.calls.count("sync") <= 4
    await spool.close()


async def test_what_comes_during_a_sync_is_written_at_once_after_it(tmp_path):
    """
    However many turns of the loop it came in: one write, and one sync behind the one before.
    """
    disk = FaultyDisk()
    spool = Spool(tmp_path, disk=disk, patience_s=30)
    await spool.append(b"first")
    await is_idle(spool)
    disk.gate.clear()
    disk.calls.clear()
    waiting = [spool.append(b"second")]
    await until(lambda: "write" in disk.calls)

    waiting += [spool.append_relaxed(b"relaxed"), spool.append(b"durable")]
    await asyncio.sleep(0)
    waiting.append(spool.append_relaxed(b"relaxed too"))
    disk.gate.set()
    await asyncio.gather(*waiting)

    assert disk.calls == ["write", "sync"] * 2
    await spool.close()


async def test_an_entry_does_not_wait_for_the_rest_of_the_turn(tmp_path):
    """
    The thread writes and syncs it while the loop goes on with what else it has to do.
    """
    disk = FaultyDisk()
    spool = Spool(tmp_path, disk=disk)
    await spool.append(b"first")
    await is_idle(spool)
    disk.calls.clear()

    spool.append(b"entry")
    end = time.monotonic() + 5
    while "sync" not in disk.calls and time.monotonic() < end:
        time.sleep(0.001)  # noqa: ASYNC251 - a loop that does not come round

    assert disk.calls[:2] == ["write", "sync"]
    await spool.close()


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="Linux alone has it")
async def test_the_thread_lets_the_loop_go_first(tmp_path):
    """
    Woken by a loop that goes on, it waits for its turn; the loop's own thread is as it was.
    """
    before = os.sched_getscheduler(0)
    spool = Spool(tmp_path)
    await spool.append(b"entry")

    assert os.sched_getscheduler(spool._thread.native_id) == os.SCHED_BATCH
    assert os.sched_getscheduler(0) == before
    await spool.close()


async def test_an_entry_waits_for_the_sync(tmp_path):
    """
    Written is not durable: the future is open until the sync returned.
    """
    disk = FaultyDisk()
    disk.gate.clear()
    spool = Spool(tmp_path, disk=disk, patience_s=30)

    waiting = spool.append(b"entry")
    await until(lambda: "write" in disk.calls)
    is_early = waiting.done()
    disk.gate.set()
    await waiting

    assert not is_early
    await spool.close()


async def test_a_relaxed_entry_is_in_the_file_without_a_sync(tmp_path):
    """
    A relaxed entry outlives a kill: another reader sees it as soon as its future is done.
    """
    disk = FaultyDisk()
    disk.gate.clear()
    spool = Spool(tmp_path, disk=disk, patience_s=30)

    await spool.append_relaxed(b"entry")

    assert entries_in(tmp_path) == [b"entry"]
    disk.gate.set()
    await spool.close()


async def test_a_relaxed_entry_does_not_wait_for_the_sync_of_another(tmp_path):
    """
    Of entries that are written together, those that may be relaxed are told before the sync.
    """
    disk = FaultyDisk()
    disk.gate.clear()
    spool = Spool(tmp_path, disk=disk, patience_s=30)

    durable, relaxed = spool.append(b"durable"), spool.append_relaxed(b"relaxed")
    await relaxed

    assert not durable.done()
    assert entries_in(tmp_path) == [b"durable", b"relaxed"]
    disk.gate.set()
    await durable
    await spool.close()


async def test_a_relaxed_entry_is_written_at_once_where_nothing_is_under_way(tmp_path):
    """
    The loop writes it itself: who waits for it need not wait for a thread to have its turn.
    """
    spool = Spool(tmp_path)
    await spool.append(b"first")
    await is_idle(spool)

    told = spool.append_relaxed(b"relaxed")

    assert told.done()
    assert entries_in(tmp_path) == [b"first", b"relaxed"]
    await spool.append(b"last")
    assert entries_in(tmp_path) == [b"first", b"relaxed", b"last"]
    await spool.close()


async def test_a_relaxed_entry_overtakes_nobody(tmp_path):
    """
    Behind one that is to be written, in this turn or in one before, it waits for the thread.
    """
    disk = FaultyDisk()
    spool = Spool(tmp_path, disk=disk, patience_s=30)
    await spool.append(b"first")
    await is_idle(spool)

    waiting = [spool.append(b"durable"), spool.append_relaxed(b"in its turn")]
    is_early = waiting[1].done()
    disk.gate.clear()
    await asyncio.sleep(0)
    waiting.append(spool.append_relaxed(b"in the next"))
    is_early |= waiting[2].done()
    disk.gate.set()
    await asyncio.gather(*waiting)

    assert not is_early
    assert entries_in(tmp_path) == [
        *(b"first", b"durable", b"in its turn", b"in the next")
    ]
    await spool.close()


async def test_a_loop_never_waits_for_a_disk_that_hangs(tmp_path):
    """
    While something is synced, be it that nobody waits for it, the thread has what comes.
    """
    disk = FaultyDisk()
    spool = Spool(tmp_path, disk=disk, patience_s=30)
    await spool.append(b"first")
    await is_idle(spool)
    disk.gate.clear()
    spool.append_relaxed(b"for the thread to sync by and by")
    await until(spool._writer.busy.locked)

    told = spool.append_relaxed(b"relaxed")
    is_early = told.done()
    disk.gate.set()
    await told

    assert not is_early
    await spool.close()


@pytest.mark.parametrize("fault", ["eio", "short"])
async def test_an_entry_that_could_not_be_written_at_once_goes_elsewhere(
    tmp_path, fault
):
    """
    The thread leaves the file that failed, and the entry stands in the next one.
    """
    disk = FaultyDisk(fault=fault)
    spool = Spool(tmp_path, disk=disk)
    await spool.append(b"first")
    await is_idle(spool)
    disk.is_broken = True
    told = spool.append_relaxed(b"relaxed")
    disk.is_broken = False
    is_early = told.done()
    await told
    await spool.append(b"last")

    assert not is_early
    assert len(segments(tmp_path)) == 2
    assert entries_in(tmp_path) == [b"first", b"relaxed", b"last"]
    assert not spool.is_failing
    await spool.close()


@pytest.mark.usefixtures("few_zeros")
async def test_where_no_zeros_are_the_thread_writes(tmp_path):
    """
    What the disk may have to find a place for is not for the loop to write.
    """
    disk = WatchedDisk()
    spool = Spool(tmp_path, disk=disk)
    entries = [b"%d/" % at + b"x" * 3_000 for at in range(40)]
    await spool.append(b"first")
    at_once = 0
    for entry in entries:
        await is_idle(spool)
        told = spool.append_relaxed(entry)
        at_once += told.done()
        await told

    await spool.close()
    assert entries_in(tmp_path) == [b"first", *entries]
    assert 20 < at_once < 40
    # Entries are many for the zeros here, so that the thread finds none left.
    fresh = [content for content in disk.fresh if content.strip(b"\0")]
    assert len(fresh) <= 40 - at_once


async def test_a_disk_that_does_not_answer_is_told_within_a_second(tmp_path):
    """
    A sync that hangs turns callers away in time; the entry is found later all the same.
    """
    disk = FaultyDisk()
    disk.gate.clear()
    spool = Spool(tmp_path, disk=disk)
    began = asyncio.get_running_loop().time()

    with pytest.raises(AuditUnavailable, match="does not answer"):
        await spool.append(b"entry")

    assert asyncio.get_running_loop().time() - began < 1
    assert spool.is_failing
    disk.gate.set()
    await until(lambda: not spool.is_failing)
    await spool.append(b"another")
    assert entries_in(tmp_path) == [b"entry", b"another"]
    await spool.close()


async def test_a_loop_that_was_late_itself_does_not_blame_the_disk(tmp_path):
    """
    What the disk took while the event loop did something else is durable, not refused.
    """
    spool = Spool(tmp_path, patience_s=0.1)
    waiting = spool.append(b"entry")

    time.sleep(0.5)  # noqa: ASYNC251 - the loop that does not come round
    await waiting

    assert not spool.is_failing
    await spool.close()


async def test_a_full_queue_turns_away_at_once(tmp_path):
    """
    What the queue has no room for is refused, not waited for, and takes no number.
    """
    disk = FaultyDisk()
    disk.gate.clear()
    spool = Spool(tmp_path, disk=disk, queue_entries=2, patience_s=30)
    waiting = [spool.append(b"entry") for _ in range(2)]

    refused = spool.append(b"one too many")

    assert isinstance(refused.exception(), AuditUnavailable)
    assert spool.next_seq == 2
    disk.gate.set()
    await asyncio.gather(*waiting)
    await spool.close()


async def test_files_turn_over_and_the_next_is_ready(tmp_path):
    """
    A full file is followed by the next, whose room was set aside before.
    """
    spool = Spool(tmp_path, segment_bytes=SMALL)
    entry = b"x" * 10_000
    for _ in range(25):
        await spool.append(entry)

    assert len(segments(tmp_path)) == 3
    assert entries_in(tmp_path) == [entry] * 25
    await spool.close()


class WatchedDisk(Disk):
    """
    A disk that knows where in each file something was written, and what came where nothing was.
    """

    def __init__(self):
        self.ends = {}
        self.fresh = []

    def write(self, descriptor, content, at):
        file = os.fstat(descriptor).st_ino
        if at + len(content) > self.ends.get(file, 0):
            self.fresh.append(content)
            self.ends[file] = at + len(content)
        return super().write(descriptor, content, at)


async def test_entries_are_written_where_zeros_were(tmp_path):
    """
    No entry is the first that stands at its place: a sync that is waited for has entries to bring
    to the disk, and nothing else.
    """
    disk = WatchedDisk()
    spool = Spool(tmp_path, disk=disk, segment_bytes=4 * CLEAR_BYTES)
    entries = [b"%d/" % at + b"x" * 15_000 for at in range(120)]
    for entry in entries:
        await spool.append(entry)

    await spool.close()
    assert entries_in(tmp_path) == entries
    assert len(segments(tmp_path)) == 2
    assert len(disk.fresh) > 6
    assert not any(content.strip(b"\0") for content in disk.fresh)


async def test_where_much_comes_at_once_no_zeros_are_written(tmp_path):
    """
    A disk that has enough to do with entries is not asked to write as many zeros as well.
    """
    disk = WatchedDisk()
    spool = Spool(tmp_path, disk=disk, segment_bytes=4 * CLEAR_BYTES)
    for _ in range(30):
        await spool.append(b"x" * 30_000)

    await spool.close()
    zeros = [content for content in disk.fresh if not content.strip(b"\0")]
    # Those with which each file begins, the spare one too.
    assert sum(map(len, zeros)) <= CLEAR_BYTES * (len(segments(tmp_path)) + 1)


async def test_closing_writes_everything_and_leaves_no_slack(tmp_path):
    """
    After the end every accepted entry is there, and no room is set aside any more.
    """
    spool = Spool(tmp_path)
    relaxed = [spool.append_relaxed(b"entry %d" % at) for at in range(50)]

    await spool.close()

    assert all(one.done() for one in relaxed)
    assert entries_in(tmp_path) == [b"entry %d" % at for at in range(50)]
    assert [path.suffix for path in tmp_path.iterdir()] == [".spool"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 5_000


async def test_a_closed_spool_says_no(tmp_path):
    """
    What comes after the end is turned away.
    """
    spool = Spool(tmp_path)
    await spool.close()

    with pytest.raises(AuditUnavailable, match="closed"):
        await spool.append(b"late")


@pytest.mark.parametrize("size", [0, MAX_ENTRY_BYTES + 1])
async def test_an_entry_that_the_log_cannot_hold_is_an_error(tmp_path, size):
    """
    Nothing that a bundle has no room for is accepted.
    """
    spool = Spool(tmp_path)

    with pytest.raises(ValueError, match="fit"):
        spool.append(bytes(size))

    await spool.close()


async def test_the_largest_entry_fits(tmp_path):
    """
    65,535 bytes go in and come out.
    """
    spool = Spool(tmp_path, segment_bytes=1)

    await spool.append(b"x" * MAX_ENTRY_BYTES)

    assert entries_in(tmp_path) == [b"x" * MAX_ENTRY_BYTES]
    await spool.close()


async def test_warns_of_a_disk_that_is_nearly_full(tmp_path):
    """
    From four fifths on the spool says so, and says when it is over.
    """
    disk = FaultyDisk()
    disk.share = 0.81
    changes = []
    spool = Spool(tmp_path, disk=disk, on_change=lambda: changes.append(1))

    await until(lambda: spool.is_nearly_full)
    disk.share = 0.5
    await until(lambda: not spool.is_nearly_full)

    assert len(changes) == 2
    await spool.close()


async def test_a_disk_without_room_is_told_once(tmp_path, monkeypatch):
    """
    Not with each look: the log may be on the same disk.
    """
    looks = []

    class FullDisk(FaultyDisk):
        def used_share(self, folder):
            looks.append(folder)
            raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr("gateway_audit.spool.scribe.TICK_S", 0.01)
    with capture_logs() as lines:
        spool = Spool(tmp_path, disk=FullDisk())
        await until(lambda: len(looks) > 3)
        await spool.close()

    told = [
        line for line in lines if line["event"] == "no room for the next spool file"
    ]
    assert len(told) == 1


async def test_a_broken_disk_says_no_and_recovers_by_itself(tmp_path):
    """
    While nothing can be written callers are told at once; afterwards all is as before.
    """
    disk = FaultyDisk(fault="enospc")
    spool = Spool(tmp_path, disk=disk)
    await spool.append(b"before")
    disk.is_broken = True

    with pytest.raises(AuditUnavailable, match="space"):
        await spool.append(b"while it is broken")
    is_at_once = spool.append(b"refused").done()
    kept = spool.append_relaxed(b"kept")
    disk.is_broken = False
    await kept
    await spool.append(b"after")

    assert is_at_once
    found = entries_in(tmp_path)
    assert found == [b"before", b"while it is broken", b"kept", b"after"]
    await spool.close()


async def test_closing_on_a_broken_disk_is_an_error(tmp_path):
    """
    What was accepted and could not be written is not passed over in silence.
    """
    disk = FaultyDisk()
    spool = Spool(tmp_path, disk=disk)
    await spool.append(b"before")
    disk.is_broken = True
    waiting = spool.append_relaxed(b"never")

    with pytest.raises(AuditUnavailable, match="1 entries"):
        await spool.close()

    assert isinstance(waiting.exception(), AuditUnavailable)


@pytest.fixture
def few_zeros(monkeypatch):
    """
    Write so few zeros ahead that it is done again and again, and entries overtake them.
    """
    monkeypatch.setattr(writer, "CLEAR_BYTES", 20_000)
    monkeypatch.setattr(writer, "LEAST_CLEAR_BYTES", 5_000)
    monkeypatch.setattr(writer, "MOST_BYTES", 20_000)


class NoMoreZerosDisk(Disk):
    """
    A disk that takes zeros at the beginning of a file only.
    """

    def write(self, descriptor, content, at):
        if at and not content.strip(b"\0"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().write(descriptor, content, at)


@pytest.mark.usefixtures("few_zeros")
async def test_a_file_that_failed_while_nobody_waited_is_left(tmp_path):
    """
    Where zeros cannot be written no entry is: the next one stands in another file.
    """
    spool = Spool(tmp_path, disk=NoMoreZerosDisk())

    await spool.append(b"x" * 19_000)
    await spool.append(b"next")

    first, second = segments(tmp_path)
    assert first.path.read_bytes().rstrip(b"\0").endswith(b"x")
    assert second.path.read_bytes().rstrip(b"\0").endswith(b"next")
    assert not spool.is_failing
    await spool.close()


async def run_with_fault(folder, disk):
    """
    Write through a disk that fails somewhere; return what was acknowledged.
    """
    spool = Spool(folder, disk=disk, segment_bytes=SMALL, pause_s=0.005)
    acknowledged = []
    for at in range(12):
        group = [b"%d/%d/" % (at, each) + b"x" * 9_000 for each in range(2)]
        waiting = [spool.append(entry) for entry in group]
        for entry, told in zip(group, waiting, strict=True):
            with suppress(AuditUnavailable):
                await told
                acknowledged.append(entry)
        await until(lambda: not spool.is_failing)
        await is_idle(spool)
        group = [b"%d/relaxed/%d" % (at, each) for each in range(2)]
        for entry in group:
            with suppress(AuditUnavailable):
                await spool.append_relaxed(entry)
                acknowledged.append(entry)
        await until(lambda: not spool.is_failing)
    await spool.close()
    return acknowledged


@pytest.mark.usefixtures("few_zeros")
@pytest.mark.parametrize("lasts", [1, 3], ids=["once", "thrice"])
@pytest.mark.parametrize("fault", ["eio", "enospc", "short"])
async def test_no_failure_of_a_call_loses_what_was_acknowledged(tmp_path, fault, lasts):
    """
    Whichever call fails, for every one of them: acknowledged entries stand in the files once,
    in order, and the spool works again without a restart.
    """
    clean = FaultyDisk()
    await run_with_fault(tmp_path / "clean", clean)

    for fail_at in range(1, len(clean.calls) + 1):
        folder = tmp_path / f"{fail_at}"
        disk = FaultyDisk(fail_at=fail_at, lasts=lasts, fault=fault)
        acknowledged = await run_with_fault(folder, disk)

        found = entries_in(folder)
        assert [entry for entry in found if entry in acknowledged] == acknowledged
        assert len(found) == len(set(found))
        assert len(acknowledged) >= 46


async def is_idle(spool):
    """
    Wait until the thread has nothing to do, and what it said was heard.
    """
    await until(lambda: not spool.queued and not spool._writer.busy.locked())


async def until(holds, within_s=10):
    """
    Let the loop run until *holds*.
    """
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - the thread tells nobody else
            await asyncio.sleep(0.001)
