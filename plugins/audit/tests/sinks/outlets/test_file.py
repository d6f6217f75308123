"""
A file of JSON lines holds what was signed, whatever happened on the way.
"""

from __future__ import annotations

import hashlib
import json
import stat

import pytest


def lines(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def index_of(event):
    told = event["unmapped"]
    return told.get("index", f"#{told.get('tree_size')}")


async def test_entries_and_checkpoints_come_in_the_order_of_the_log(
    yard, signing, tmp_path
):
    """
    A checkpoint stands behind the last entry that it counts.
    """
    signing.write(3)
    signing.write(2)
    path = tmp_path / "out.jsonl"

    await yard.deliver(yard.ship(type="file", path=str(path)))

    found = [index_of(each) for each in lines(path)]
    assert found == [0, 1, 2, "#3", 3, 4, "#5"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_whoever_has_a_line_can_compute_the_leaf(yard, signing, tmp_path):
    """
    ``raw_data`` holds the entry's exact bytes, and the checkpoint's exact note.
    """
    signing.append(['{"at":1,"type":"x","text":"Zürich \\u2028"}'.encode()])
    path = tmp_path / "out.jsonl"

    await yard.deliver(yard.ship(type="file", path=str(path)))

    first, note = lines(path)
    leaf = hashlib.sha256(b"\0" + first["raw_data"].encode()).hexdigest()
    assert first["unmapped"]["leaf_hash"] == leaf
    assert first["unmapped"]["log_origin"] == "gw.test/log"
    assert note["raw_data"].encode() == bytes(signing.log.signed)


async def test_it_goes_on_where_it_was(yard, signing, tmp_path):
    """
    A sink that is made again begins behind what it has.
    """
    path = tmp_path / "out.jsonl"
    signing.write(2)
    await yard.deliver(yard.ship(type="file", path=str(path)))
    signing.write(1)

    await yard.deliver(yard.ship(type="file", path=str(path)))

    assert [index_of(each) for each in lines(path)] == [0, 1, "#2", 2, "#3"]


async def test_half_a_line_is_cut(yard, signing, tmp_path):
    """
    What a killed process left is written again whole.
    """
    path = tmp_path / "out.jsonl"
    signing.write(1)
    path.write_bytes(b'{"unmapped":{"index":"older"}}\n{"half')

    await yard.deliver(yard.ship(type="file", path=str(path)))

    assert [index_of(each) for each in lines(path)] == ["older", 0, "#1"]


async def test_a_full_file_makes_room_for_another(yard, signing, tmp_path):
    """
    Another is begun after each batch that filled one; of the older ones the newest two stay.
    """
    path = tmp_path / "out" / "audit.jsonl"
    path.parent.mkdir()
    for _ in range(4):
        signing.write(20, text="x" * 60_000)
    settings = {"rotate_bytes": 1024 * 1024, "keep_files": 2}

    await yard.deliver(yard.ship(type="file", path=str(path), **settings))

    files = [*sorted(path.parent.glob("audit-*.jsonl")), *path.parent.glob("audit.j*")]
    found = [index_of(each) for one in files for each in lines(one)]
    whole = [
        at for size in (20, 40, 60, 80) for at in (*range(size - 20, size), f"#{size}")
    ]
    assert len(files) in {2, 3}
    assert len(found) < len(whole)
    assert found == whole[-len(found) :]


async def test_a_disk_that_is_full_is_waited_for(yard, signing, tmp_path):
    """
    The sink says what ails it, and delivers all once that is mended.
    """
    folder = tmp_path / "later"
    path = folder / "out.jsonl"
    signing.write(2)
    ship = yard.ship(type="file", path=str(path))
    async with yard.sailing(ship):
        await yard.until(lambda: ship.problem is not None)
        assert "cannot be written" in ship.document()["problem"]

        folder.mkdir()

        await yard.until(lambda: ship.is_level)
    assert [index_of(each) for each in lines(path)] == [0, 1, "#2"]
    assert ship.document()["problem"] is None


async def test_a_link_is_not_followed(yard, signing, tmp_path):
    """
    Whoever may make files in the folder cannot have another file written.
    """
    target = tmp_path / "precious"
    target.write_bytes(b"precious\n")
    path = tmp_path / "out.jsonl"
    path.symlink_to(target)
    signing.write(1)
    ship = yard.ship(type="file", path=str(path))

    await yard.ailing(ship)

    assert target.read_bytes() == b"precious\n"


@pytest.mark.parametrize("backfill", [True, False])
async def test_a_new_sink_begins_where_it_is_told_to(yard, signing, tmp_path, backfill):
    """
    With the log's first entry, or with what comes from now on.
    """
    path = tmp_path / "out.jsonl"
    signing.write(2)
    ship = yard.ship(type="file", path=str(path), backfill=backfill)
    async with yard.sailing(ship):
        await yard.until(lambda: ship.is_level)
        signing.write(1)
        yard.look()
        ship.wake()
        await yard.until(lambda: ship.is_level)

    told = [2, "#3"] if not backfill else [0, 1, "#2", 2, "#3"]
    assert [index_of(each) for each in lines(path)] == told
