"""
Tests of `gateway_audit.index`.
"""

from __future__ import annotations

import sqlite3

import pytest

from gateway import codec
from gateway_audit.index.reading import IndexReader, Search
from gateway_audit.index.table import FILE
from gateway_audit.index.writing import IndexWriter


def entry(**members):
    return codec.dumps({"at": 1000, "type": "outcome", "v": 1, **members})


@pytest.fixture(name="writer")
def _writer(tmp_path):
    writer = IndexWriter(tmp_path)
    yield writer
    writer.close()


@pytest.fixture(name="reader")
def _reader(tmp_path):
    return IndexReader(tmp_path)


async def places(reader, limit=10, **search):
    return [found.place for found in await reader.search(Search(**search), limit)]


async def test_an_index_that_is_not_there_has_nothing(reader):
    """
    Before the sequencer ran there is no file.
    """
    assert await places(reader) == []
    assert await reader.size() == 0


async def test_entries_are_found_by_what_they_say(writer, reader):
    """
    By equality, by the key's id or name, by time; the latest first.
    """
    writer.add(
        0,
        [
            entry(request="req_1", key="k1", key_name="shop", at=1000),
            entry(request="req_2", key="k2", key_name="till", at=2000, code="x"),
            entry(type="intent", request="req_2", at=1500),
        ],
    )

    assert await places(reader) == [2, 1, 0]
    assert await places(reader, equal={"request": "req_2"}) == [2, 1]
    assert await places(reader, equal={"request": "req_2", "type": "intent"}) == [2]
    assert await places(reader, key="shop") == await places(reader, key="k1") == [0]
    assert await places(reader, since=1500, until=2000) == [2]


async def test_pages_follow_one_another(writer, reader):
    """
    Backwards from the latest, or forwards as the log grows.
    """
    writer.add(0, [entry() for _ in range(5)])

    assert await places(reader, 2) == [4, 3]
    assert await places(reader, 2, before=3) == [2, 1]
    assert await places(reader, 2, after=0) == [1, 2]


async def test_the_same_entries_twice_are_there_once(writer, reader):
    """
    A sequencer that was killed brings some of them again.
    """
    writer.add(0, [entry(), entry()])
    writer.add(1, [entry(), entry()])

    assert writer.last() == 3
    assert await places(reader) == [2, 1, 0]


async def test_it_is_made_anew_when_it_is_of_another_version(writer, tmp_path):
    """
    Then it has taken nothing, and the sequencer brings everything.
    """
    writer.add(0, [entry()])
    database = sqlite3.connect(tmp_path / FILE)
    database.execute("PRAGMA user_version=77")
    database.close()
    newer = IndexWriter(tmp_path)
    last = newer.last()
    newer.close()

    assert last == 0


async def test_what_the_log_does_not_keep_is_forgotten(writer, reader):
    """
    The number of the next entry stays.
    """
    writer.add(0, [entry() for _ in range(5)])
    writer.drop_below(3)

    assert await places(reader) == [4, 3]
    assert writer.last() == 5


async def test_an_entry_that_cannot_be_read_keeps_its_place(writer, reader):
    """
    The log is not ours to judge here; a verifier does.
    """
    writer.add(0, [b"\xff\xfe", b"[1]", entry(request=["odd"], key="k1")])

    assert await places(reader) == [2, 1, 0]
    assert await places(reader, key="k1") == [2]
    assert (await reader.search(Search(), 3))[2].entry == b"\xff\xfe"
