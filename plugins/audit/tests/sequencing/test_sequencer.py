"""
What is in the spools comes into the log, once and in order, and stays what was signed.
"""

from __future__ import annotations

import json
import shutil
import threading

import attrs
import pytest

from gateway_audit.sequencing.followers import Followed
from gateway_audit.sequencing.keys import find_origin
from gateway_audit.sequencing.status import read_status
from gateway_audit.spool.names import segments
from gateway_audit.spool.spool import Spool
from gateway_audit.testing import FaultyDisk
from gateway_audit.tlog.checkpoints import Signed

ORIGIN = "gw.example/log"


def lines(worker, count, first=0):
    return [
        b'{"worker":"%s","seq":%d}' % (worker.encode(), at)
        for at in range(first, first + count)
    ]


def of(worker, entries):
    return [entry for entry in entries if worker.encode() in entry]


def test_entries_of_every_worker_come_in_in_their_order(audit):
    """
    Two workers that are gone: all they wrote is in the log, and their files are not.
    """
    audit.write("wa", lines("wa", 700))
    audit.write("wb", lines("wb", 300))
    audit.write("wb", lines("wb", 20, 300), first=300, number=2)

    audit.run()

    found = audit.entries()
    assert len(found) == 1020
    assert of("wa", found) == lines("wa", 700)
    assert of("wb", found) == lines("wb", 320)
    assert list(audit.spool.iterdir()) == []


async def test_a_worker_that_lives_is_followed(audit):
    """
    What is appended while the sequencer runs comes in, and the file stays until it is done.
    """
    spool = Spool(audit.spool)
    sequencer = audit.sequencer()
    for at in range(3):
        await spool.append(b"entry %d" % at)
        sequencer.turn(at_once=True)

        assert audit.entries() == [b"entry %d" % each for each in range(at + 1)]

    assert len(segments(audit.spool)) == 1
    await spool.close()
    sequencer.drain()
    assert list(audit.spool.iterdir()) == []


def test_an_empty_log_is_signed(audit):
    """
    From the first moment there is a checkpoint to compare with.
    """
    audit.run()

    assert audit.signed().checkpoint.size == 0


def test_small_batches_make_the_same_log_as_large_ones(audit, tmp_path):
    """
    The root is that of the entries, however they came in.
    """
    entries = lines("wa", 600)
    sequencer = audit.sequencer()
    for at in range(0, 600, 37):
        audit.write(f"w{at}", entries[at : at + 37])
        sequencer.turn(at_once=True)

    assert audit.entries() == entries
    parts = sorted(path.name for path in (audit.log / "tile/0").glob("*.p"))
    assert parts == ["002.p"]


def test_a_torn_tail_is_cut(audit):
    """
    What a killed worker had half written was never acknowledged.
    """
    audit.write("wa", lines("wa", 5), tail=b"\x40\x00\x00\x00half")

    audit.run()

    assert audit.entries() == lines("wa", 5)


def test_entries_written_again_after_a_failure_come_in_once(audit):
    """
    A second file that begins with the first one's last entries adds only what is new.
    """
    audit.write("wa", lines("wa", 10), tail=b"\x40\x00\x00\x00half")
    audit.write("wa", lines("wa", 10, 6), first=6, number=2)

    audit.run()

    assert audit.entries() == lines("wa", 16)


def test_entries_that_are_missing_are_told_in_the_log(audit):
    """
    A number that was skipped is an entry of its own, not a silence.
    """
    audit.write("wa", lines("wa", 3))
    audit.write("wa", lines("wa", 3, 8), first=8, number=2)

    audit.run()

    gap = json.loads(audit.entries()[0])
    assert (gap["type"], gap["of"], gap["first_seq"], gap["end_seq"]) == (
        "gap",
        "wa",
        3,
        8,
    )
    assert audit.entries()[1:] == [*lines("wa", 3), *lines("wa", 3, 8)]


def test_what_stands_behind_damage_comes_in_and_the_damage_is_told(audit):
    """
    A frame in the middle of a killed worker's last file has rotten: it alone is missing, and an
    entry says so.
    """
    audit.write("wa", lines("wa", 9))
    path = audit.spool / "wa-00000001.spool"
    content = bytearray(path.read_bytes())
    content[content.index(lines("wa", 1, 4)[0])] ^= 1
    path.write_bytes(bytes(content) + bytes(4096))

    audit.run()

    gap = json.loads(audit.entries()[0])
    assert (gap["type"], gap["first_seq"], gap["end_seq"]) == ("gap", 4, 5)
    assert audit.entries()[1:] == [*lines("wa", 4), *lines("wa", 4, 5)]


def writes_of(audit, script):
    """
    Count what a clean run asks of the disk.
    """
    disk = FaultyDisk()
    script(audit, disk)
    return len(disk.calls)


def grow(audit, disk):
    try:
        sequencer = audit.sequencer(disk=disk)
    except OSError:  # the supervisor starts it again
        sequencer = audit.sequencer(disk=disk)
    for at in range(4):
        audit.write(f"w{at}", lines(f"w{at}", 100))
        sequencer.turn(at_once=True)
    for _ in range(5):
        sequencer.turn(at_once=True)
    audit.close()


def test_no_failure_of_a_call_loses_or_doubles_an_entry(audit, tmp_path):
    """
    Whichever write, sync or rename fails, the log is whole afterwards, without a restart.
    """
    count = writes_of(audit, grow)
    everything = sorted(entry for at in range(4) for entry in lines(f"w{at}", 100))
    for fail_at in range(1, count + 1):
        other = type(audit)(tmp_path / f"{fail_at}")
        grow(other, FaultyDisk(fail_at=fail_at, fault="enospc"))

        assert sorted(other.entries()) == everything
        assert other.status().is_healthy


def test_no_crash_at_a_call_loses_or_doubles_an_entry(audit, tmp_path):
    """
    Whichever call is the last of a process, the next process goes on.
    """
    count = writes_of(audit, grow)
    everything = sorted(entry for at in range(4) for entry in lines(f"w{at}", 100))
    for fail_at in range(1, count + 1):
        other = type(audit)(tmp_path / f"{fail_at}")
        disk = FaultyDisk(fail_at=fail_at, lasts=10_000)
        for at in range(4):
            other.write(f"w{at}", lines(f"w{at}", 100))
        try:
            sequencer = other.sequencer(disk=disk)
            sequencer.turn(at_once=True)
            sequencer.turn(at_once=True)
        except OSError:
            pass
        other.close()
        other.run()

        assert sorted(other.entries()) == everything


def test_goes_on_after_a_restart(audit):
    """
    A second process adds to the log that the first one left.
    """
    audit.write("wa", lines("wa", 300))
    audit.run()
    first = audit.signed()
    audit.write("wb", lines("wb", 300))

    audit.run()

    assert audit.entries() == [*lines("wa", 300), *lines("wb", 300)]
    assert first.checkpoint.size == 300


def test_a_lost_state_is_found_again_in_the_log(audit):
    """
    Without the state nothing is added twice: the entries say how far each spool was read.
    """
    audit.write("wa", lines("wa", 300), lives=True)
    audit.run()
    audit.write("wa", lines("wa", 310), lives=True)
    (audit.folder / "state.json").unlink()

    audit.run()

    assert audit.entries() == lines("wa", 310)


def cut_bundle(audit):
    (audit.log / "tile/entries/001.p/44").unlink()


def old_tiles(audit):
    shutil.rmtree(audit.log / "tile")


def other_bundle(audit):
    path = audit.log / "tile/entries/001.p/44"
    path.write_bytes(path.read_bytes().replace(b"wa", b"wb", 1))


@pytest.mark.parametrize("damage", [cut_bundle, old_tiles, other_bundle])
def test_a_log_that_lost_what_was_signed_is_not_called_healthy(audit, damage):
    """
    It is set aside, another one with another origin begins, and its first entry says so.
    """
    audit.write("wa", lines("wa", 300))
    audit.run()
    signed = audit.signed().checkpoint
    damage(audit)
    audit.write("wb", lines("wb", 3))

    audit.run()

    told = json.loads(audit.entries()[0])
    assert told["type"] == "log.truncated"
    assert (told["signed_size"], told["signed_root"]) == (300, signed.root.hex())
    assert audit.entries()[1:] == lines("wb", 3)
    assert audit.signed().checkpoint.origin.startswith(f"{ORIGIN}/")
    status = audit.status()
    assert not status.is_healthy
    assert "entries were lost" in status.problems[0]
    [aside] = audit.folder.glob("log.truncated-*")
    assert Signed.parse((aside / "checkpoint").read_bytes()).checkpoint == signed


def test_is_healthy_again_when_what_was_left_is_secured(audit):
    """
    Once somebody has taken the old log away, the new one is well, and keeps its name.
    """
    audit.write("wa", lines("wa", 300))
    audit.run()
    old_tiles(audit)
    audit.run()
    origin = audit.signed().checkpoint.origin
    [aside] = audit.folder.glob("log.truncated-*")
    aside.rename(audit.folder.parent / "secured")

    audit.run()

    assert audit.status().is_healthy
    assert audit.signed().checkpoint.origin == origin


def test_nothing_is_signed_that_did_not_grow_from_what_was(audit):
    """
    If the tree is not the one that was signed, the checkpoint stays and the status says so.
    """
    audit.write("wa", lines("wa", 300))
    sequencer = audit.sequencer()
    sequencer.turn(at_once=True)
    before = audit.signed()
    other = attrs.evolve(before.checkpoint, root=bytes(32))
    sequencer.log.signed = attrs.evolve(before, checkpoint=other)
    audit.write("wb", lines("wb", 5))

    sequencer.turn(at_once=True)

    audit.close()
    assert audit.signed() == before
    assert "not what was signed" in audit.status().problems[0]


def test_a_file_that_cannot_be_read_keeps_nobody_else_waiting(audit):
    """
    The others' entries come in, and the status says whose do not.
    """
    audit.write("wa", lines("wa", 5))
    audit.write("wb", lines("wb", 5))
    path = audit.spool / "wa-00000001.spool"
    path.rename(audit.folder / "elsewhere")
    path.symlink_to(path.name)  # a loop: opening it is an error

    audit.run()
    told = audit.status().problems
    path.unlink()
    (audit.folder / "elsewhere").rename(path)
    audit.run()

    assert "spool of wa cannot be read" in told[0]
    assert audit.entries() == [*lines("wb", 5), *lines("wa", 5)]
    assert audit.status().is_healthy


def test_a_log_keeps_its_name(audit):
    """
    Settings that call it otherwise are told so, and change nothing.
    """
    assert find_origin(audit.folder, "gw.example/log") == "gw.example/log"
    assert find_origin(audit.folder, "gw.example/other") == "gw.example/log"

    audit.run(configured_origin="gw.example/other")

    assert "for ever" in audit.status().problems[0]
    assert audit.signed().checkpoint.origin == "gw.example/log"


def test_another_signing_key_is_refused_and_said(audit):
    """
    The log goes on, but nothing is signed with a key that nobody was told of, and all is not well.
    """
    audit.write("wa", lines("wa", 5))
    audit.run()
    (audit.folder / "keys/signing-0001.pem").unlink()
    audit.write("wb", lines("wb", 5))

    audit.run()

    assert "not the key that signed so far" in audit.status().problems[0]
    assert audit.entries() == lines("wa", 5)
    assert audit.run().log.size == 10


def test_one_folder_has_one_sequencer(audit):
    """
    A second one does not start.
    """
    audit.sequencer()

    with pytest.raises(BlockingIOError):
        audit.sequencer()


class Index:
    """
    Takes entries, unless it is told not to.
    """

    def __init__(self):
        self.entries = []
        self.is_closed = False
        self.is_broken = False

    def last(self):
        if self.is_broken:
            raise ConnectionError
        return len(self.entries)

    def add(self, first, entries):
        if self.is_broken:
            raise ConnectionError
        assert first == len(self.entries)
        self.entries.extend(entries)

    def close(self):
        self.is_closed = True


class Clock:
    def __init__(self):
        self.at = 1000.0

    def now(self):
        return self.at

    monotonic = now


def test_followers_get_everything_in_its_place(audit):
    """
    What was there before a follower, and what comes in.
    """
    audit.write("wa", lines("wa", 2000))
    audit.run()
    index = Index()
    followed = Followed("index", lambda: index)
    sequencer = audit.sequencer(followers=[followed])
    audit.write("wb", lines("wb", 30))

    sequencer.drain()
    followed.close()

    assert index.entries == audit.entries()
    assert followed.has == 2030
    assert index.is_closed


def test_a_follower_that_fails_stops_nobody_and_is_caught_up(audit):
    """
    The log goes on, says what ails the follower, and brings it all when it is well.
    """
    clock, index = Clock(), Index()
    index.is_broken = True
    followed = Followed("index", lambda: index)
    sequencer = audit.sequencer(followers=[followed], clock=clock)
    audit.write("wa", lines("wa", 300))
    sequencer.drain()
    problem = followed.problem
    index.is_broken = False
    clock.at += 10

    sequencer.drain()

    assert problem == "ConnectionError"
    assert index.entries == audit.entries() == lines("wa", 300)
    assert followed.problem is None


def test_a_full_disk_is_told_and_waited_out(audit):
    """
    While the log cannot be written nothing is lost, and the status says why.
    """
    disk, clock = FaultyDisk(fault="enospc"), Clock()
    sequencer = audit.sequencer(disk=disk, clock=clock)
    sequencer.turn(at_once=True)
    disk.is_broken = True
    audit.write("wa", lines("wa", 10))
    clock.at += 5
    sequencer.turn(at_once=True)
    told = read_status(audit.folder, clock.at)
    disk.is_broken = False
    clock.at += 5

    sequencer.turn(at_once=True)

    assert "No space left" in told.problems[0]
    assert audit.entries() == lines("wa", 10)
    assert read_status(audit.folder, clock.at).is_healthy


def test_a_checkpoint_waits_for_company_but_not_for_long(audit):
    """
    Few entries are signed after less than a second, a thousand at once.
    """
    clock = Clock()
    sequencer = audit.sequencer(clock=clock)
    audit.write("wa", lines("wa", 10), lives=True)
    early = sequencer.turn()
    clock.at += 0.9
    late = sequencer.turn()
    audit.write("wb", lines("wb", 1000), lives=True)
    many = sequencer.turn()

    assert (early, late) == (0, 10)
    assert many == 1000


def test_status_of_a_sequencer_that_is_gone_is_not_healthy(audit):
    """
    Silence is a problem too, and a status of the future is an old one.
    """
    clock = Clock()
    audit.run(clock=clock)

    assert read_status(audit.folder, clock.at + 1).is_healthy
    assert not read_status(audit.folder, clock.at + 60).is_healthy
    assert not read_status(audit.folder, clock.at - 60).is_healthy
    assert read_status(audit.folder / "none", 0) is None
    assert threading.active_count() < 50
