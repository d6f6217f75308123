from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from gateway.durable import make_file, sync_folder, write_new


def test_a_new_file_is_its_owners_and_on_the_disk(tmp_path, monkeypatch):
    """
    What it holds is synced, and then its name; nobody else may read it.
    """
    synced = []
    fsync = os.fsync

    def noting(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    path = tmp_path / "new"

    write_new(path, b"words")
    sync_folder(tmp_path)

    assert path.read_bytes() == b"words"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert synced == [path, tmp_path]


def test_a_file_that_is_there_is_left_alone(tmp_path):
    """
    Of two who write one name the second is told.
    """
    path = tmp_path / "new"
    write_new(path, b"first")

    with pytest.raises(FileExistsError):
        write_new(path, b"second")

    assert path.read_bytes() == b"first"


def test_a_file_for_sqlite_is_made_once_and_never_opened_again(tmp_path, monkeypatch):
    """
    It is its owner's alone; what is there already keeps what is in it, and its locks.
    """
    path = tmp_path / "rows.db"
    make_file(path)
    path.write_bytes(b"rows")
    closed: list[int] = []
    monkeypatch.setattr(os, "close", closed.append)

    make_file(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == b"rows"
    assert not closed
