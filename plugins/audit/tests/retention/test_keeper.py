"""
Entries go to the archive and away as the settings say, and the log knows of it first.
"""

from __future__ import annotations

import pytest

from gateway_audit.bodies.shelf import Shelf
from gateway_audit.retention.archives import ArchiveProblem, FolderArchive
from gateway_audit.retention.moving import bodies_path
from gateway_audit.retention.state import save_state
from gateway_audit.testing import entries_of, outcome
from gateway_audit.tlog.errors import TlogError
from gateway_audit.tlog.merkle import leaf_hash, root_of
from gateway_audit.tlog.tiles import entries_path
from gateway_audit.verifying.checking import verify
from gateway_audit.verifying.trust import Trust


def trust_of(house):
    signer = house.log._keys.signer(house.log.size)
    return Trust.of(vkeys=[str(signer.verifier)])


def is_here(house, number):
    return (house.folder / "log" / entries_path(number)).exists()


def is_archived(house, number):
    return house.archive.get(entries_path(number)) is not None


def test_what_is_young_stays_where_it_is(house):
    """
    Not a day before its time.
    """
    house.append_days(0, 1000)
    house.append_days(89, 1000)
    house.settle()

    assert house.keeper.document()["local_from"] == 0
    assert all(is_here(house, number) for number in range(7))


def test_what_is_old_enough_goes_to_the_archive(house):
    """
    Whole bundles alone; tiles and checkpoints stay, and the log verifies from where it begins.
    """
    house.append_days(0, 1000)
    house.append_days(91, 500)
    house.settle()

    assert house.keeper.document()["local_from"] == 768
    assert [is_here(house, number) for number in range(5)] == [False] * 3 + [True] * 2
    assert [is_archived(house, number) for number in range(5)] == [True] * 3 + [
        False
    ] * 2
    verify(house.log.read, trust_of(house), first=768)
    verify(house.read, trust_of(house))
    with pytest.raises(TlogError, match="missing"):
        verify(house.log.read, trust_of(house))


def test_what_has_expired_is_pruned_once_the_log_says_so(house):
    """
    A retention entry with the root at the minimum index is signed before anything goes.
    """
    house.append_days(0, 1000)
    house.append_days(100, 500)
    house.settle()
    root = root_of(
        [leaf_hash(each) for each in entries_of(house.read, house.log.size)[:768]]
    )
    house.append_days(300, 500)
    house.turn()
    house.turn()
    assert is_archived(house, 0)
    house.settle()

    (said,) = house.said
    assert said.kind == "retention"
    assert said.told["min_index"] == 768
    assert said.told["root"] == root.hex()
    assert said.told["policy"] == {
        "archive_after_days": 90,
        "days": 365,
        "legal_hold": None,
    }
    assert not any(is_archived(house, number) for number in range(3))
    assert not (house.folder / "log" / "tile/0/000").exists()
    assert (house.folder / "log" / "tile/0/003").exists()
    verify(house.read, trust_of(house), first=768)
    assert house.log.min_index == 768


def test_the_log_goes_on_when_much_of_it_is_gone(house):
    """
    A process that begins with a pruned log appends and signs as ever.
    """
    house.append_days(0, 70_000)
    house.append_days(400, 1000)
    house.settle()

    house.written.log = house.written.open()
    house.append_days(0, 300)

    assert house.keeper.document()["min_index"] == 69_888
    assert not (house.folder / "log" / "tile/1/000").exists()
    verify(house.read, trust_of(house), first=69_888)


@pytest.mark.parametrize(
    ("hold", "least"), [("512", 512), ("700", 512), ("0", 0), ("9999999", 768)]
)
def test_a_legal_hold_is_not_passed(house, hold, least):
    """
    By an entry's index; archiving goes on.
    """
    house.keep(legal_hold=hold)
    house.append_days(0, 1000)
    house.append_days(400, 1000)
    house.settle()

    assert house.keeper.document()["min_index"] == least
    assert house.keeper.document()["local_from"] == 768
    assert house.keeper.document()["held_by"] == (["legal_hold"] if least < 768 else [])


def test_a_legal_hold_may_begin_on_a_day(house):
    """
    What was signed before that day may go.
    """
    house.append_days(0, 600)  # 21 September 2026
    house.append_days(20, 600)
    house.append_days(400, 600)
    house.keep(legal_hold="2026-10-01")
    house.settle()

    assert house.keeper.document()["min_index"] == 512


def test_whoever_still_needs_entries_keeps_them_here(house):
    """
    An export that lags is waited for, and named.
    """
    house.append_days(0, 1000)
    house.append_days(400, 1000)
    house.log.needs["sinks"] = 300
    house.settle()

    assert house.keeper.document()["local_from"] == 256
    assert house.keeper.document()["min_index"] == 256
    assert house.keeper.document()["held_by"] == ["sinks"]


def test_without_an_archive_all_stays_until_it_expires(house):
    """
    ``archive_after_days: never``.
    """
    house.keep(archives=False, archive_after_days="never")
    house.append_days(0, 1000)
    house.append_days(200, 1000)
    house.settle()
    assert is_here(house, 0)

    house.append_days(200, 10)
    house.settle()

    assert house.keeper.document()["local_from"] == 768
    assert [is_here(house, number) for number in range(5)] == [False] * 3 + [True] * 2


def test_never_means_never(house):
    """
    Neither archived nor pruned, after ten years.
    """
    house.keep(days="never", archive_after_days="never")
    house.append_days(0, 1000)
    house.append_days(3650, 1000)
    house.settle()

    assert house.said == []
    assert all(is_here(house, number) for number in range(7))


class Failing(FolderArchive):
    """
    An archive that loses what it is given, or cannot be asked.
    """

    fault = ""

    def put(self, path, content):
        if self.fault == "asked":
            raise ArchiveProblem("S3 answered AccessDenied")
        super().put(path, content[:-1] if self.fault == "lost" else content)


@pytest.mark.parametrize(
    ("fault", "why"), [("lost", "does not come back"), ("asked", "AccessDenied")]
)
def test_nothing_goes_that_is_not_known_to_be_in_the_archive(house, fault, why):
    """
    Each copy is read back; the fault is told, and mended by another try.
    """
    house.archive = Failing(house.folder / "archive")
    house.archive.fault = fault
    house.keep()
    house.append_days(0, 1000)
    house.append_days(100, 1000)
    house.settle()
    assert why in house.keeper.document()["problem"]
    assert all(is_here(house, number) for number in range(7))

    house.archive.fault = ""
    house.settle()

    assert house.keeper.document()["problem"] is None
    assert house.keeper.document()["local_from"] == 768


def test_a_bundle_that_is_not_what_was_signed_stays(house):
    """
    Evidence of tampering is not carried away.
    """
    house.append_days(0, 1000)
    house.append_days(100, 1000)
    path = house.folder / "log" / entries_path(1)
    path.write_bytes(path.read_bytes().replace(b"openai", b"0penai", 1))

    house.settle()

    assert house.keeper.document()["local_from"] == 256
    assert "is not what was signed" in house.keeper.document()["problem"]
    assert is_here(house, 1)


class Killed(BaseException):
    """
    The process ends here.
    """


def test_a_process_killed_behind_each_step_goes_on(house, monkeypatch):
    """
    Whatever it had written down when it died: the next one finishes it, and says again what was not
    signed.
    """
    house.append_days(0, 1000)
    house.append_days(100, 1000)
    house.append_days(300, 1000)
    saved = []

    def save(files, state):
        save_state(files, state)
        saved.append(state)
        raise Killed

    monkeypatch.setattr("threading.excepthook", lambda told: None)
    monkeypatch.setattr("gateway_audit.retention.keeper.save_state", save)
    for at in range(30):
        house.keep()
        if at % 2:
            house.turn()
        house.turn()
    monkeypatch.undo()
    assert len(saved) > 10

    house.keep()
    house.settle()

    assert house.keeper.document()["min_index"] == 768
    assert house.keeper.document()["local_from"] == 1792
    assert [is_archived(house, number) for number in (2, 3, 6, 7)] == [
        *(False, True, True, False)
    ]
    verify(house.read, trust_of(house), first=768)


def test_bodies_go_with_their_entries(house):
    """
    To the archive, and away; one of a person who was forgotten is missing nowhere.
    """
    shelf = Shelf(house.folder / "bodies")
    for at in range(3):
        shelf.put("sub_abc", f"body{at}", b"sealed %d" % at, is_durable=True)
    size = house.log.size
    named = [
        outcome(
            size + at, body={"name": f"body{at}", "subject": "sub_abc", "kept": "full"}
        )
        for at in range(4)  # the last was erased
    ]
    house.written.append(named)
    house.append_days(0, 600)
    house.append_days(100, 600)
    house.settle()

    assert shelf.get("sub_abc", "body1") is None
    assert house.archive.get(f"{bodies_path(0)}/body1") == b"sealed 1"
    house.append_days(300, 600)
    house.settle()
    assert house.archive.get(f"{bodies_path(0)}/body1") is None
    assert house.archive.get(entries_path(0)) is None


def test_how_far_it_is_can_be_forgotten(house):
    """
    The file is lost: what is archived is found to be, and passed over.
    """
    house.append_days(0, 1000)
    house.append_days(100, 1000)
    house.settle()
    (house.folder / "retention.json").unlink()
    house.keep()

    house.settle()

    assert house.keeper.document()["local_from"] == 768
    assert house.keeper.document()["problem"] is None
