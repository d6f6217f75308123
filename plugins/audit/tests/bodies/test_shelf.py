"""
Tests of `gateway_audit.bodies.shelf`.
"""

from __future__ import annotations

import pytest

from gateway_audit.bodies.shelf import Shelf
from gateway_audit.testing import FaultyDisk


@pytest.fixture(name="shelf")
def _shelf(tmp_path):
    return Shelf(tmp_path)


def test_what_was_put_is_found(shelf, tmp_path):
    """
    For its owner alone, and no half of it is ever left.
    """
    shelf.put("sub_ab", "b1", b"content", is_durable=True)

    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert shelf.get("sub_ab", "b1") == b"content"
    assert shelf.get("sub_ab", "b2") is None
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_name_is_as_durable_as_what_it_names(tmp_path):
    """
    Each new folder and the file's own are on the disk; where nobody asked for it, nothing waits.
    """
    disk = FaultyDisk()
    shelf = Shelf(tmp_path / "bodies", disk)
    shelf.put("sub_ab", "b1", b"content", is_durable=True)
    durable = list(disk.calls)
    disk.calls.clear()
    shelf.put("sub_ab", "b2", b"content", is_durable=False)

    assert durable.count("sync") == 1
    assert durable[-4:] == ["sync_folder"] * 4
    assert not {"sync", "sync_folder"} & set(disk.calls)


def test_what_cannot_be_stored_leaves_nothing(tmp_path):
    """
    A disk that is full is not filled further with halves.
    """
    shelf = Shelf(tmp_path, FaultyDisk(fail_at=2, fault="short"))

    with pytest.raises(OSError, match="Input/output"):
        shelf.put("sub_ab", "b1", b"content", is_durable=False)

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_everything_of_one_person_is_dropped(shelf):
    """
    And nothing of another one.
    """
    for who, name in (("sub_a", "1"), ("sub_a", "2"), ("sub_b", "3")):
        shelf.put(who, name, b"x", is_durable=False)

    assert shelf.drop("sub_a") == 2
    assert shelf.drop("sub_a") == 0
    assert shelf.get("sub_a", "1") is None
    assert shelf.get("sub_b", "3") == b"x"


@pytest.mark.parametrize("name", ["../x", "", "a/b", "a\x00"], ids=repr)
def test_a_name_leads_nowhere_else(shelf, name):
    """
    Nothing outside the folder is written.
    """
    with pytest.raises(ValueError, match="no name"):
        shelf.put("sub_a", name, b"x", is_durable=False)
