from __future__ import annotations

import sqlite3

import pytest

from gateway_governance.ledger.authority import Ask, AuthorityFailed, Settled, Want
from gateway_governance.ledger.sqlite import SqliteAuthority
from gateway_governance.usage import COLUMNS, UsageRow, columns_of


@pytest.fixture
async def authority(data_dir):
    """An authority on a file."""
    found = SqliteAuthority(data_dir / "gateway.db")
    yield found
    await found.close()


def want(**more):
    return Want(
        **{"meter": "m", "starts": 0, "ends": 10, "known": 0, "more": 5, "limit": 99}
        | more
    )


async def test_what_it_says_is_on_the_disk(authority):
    """
    A grant is committed with the log synced: a loss of power right after keeps it.
    """
    found = await authority._call(
        lambda: [
            authority._books._sql.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("synchronous", "journal_mode")
        ]
    )

    assert found == [2, "wal"]


async def test_a_failure_leaves_nothing_behind(authority):
    """
    Of a transaction that fails nothing is committed, and the next one goes through.
    """
    with pytest.raises(AuthorityFailed, match="the ledger's database"):
        await authority.open([want(), want(meter=None)])
    (found,) = await authority.look([Ask(meter="m", starts=0, ends=10, at=1)])

    assert found.mark == 0
    (again,) = await authority.open([want()])
    assert again.mark == 5


async def test_every_column_of_a_row_is_stored(authority, data_dir):
    """
    A usage row reads back as it was written.
    """
    row = UsageRow(
        exchange_id="req_1",
        attempt=2,
        at=12.5,
        **{
            name: f"the {name}" if name.endswith(("id", "name")) else 7
            for name in COLUMNS
            if name not in {"exchange_id", "attempt", "at", "is_estimated"}
        },
        is_estimated=True,
    )
    await authority.settle(
        [Settled(hold_id=1, actual=(0, 0, 0), charges=(), row=columns_of(row))]
    )

    sql = sqlite3.connect(data_dir / "gateway.db")
    (found,) = sql.execute(f"SELECT {', '.join(COLUMNS)} FROM governance_usage")
    sql.close()
    assert [str(value) for value in found] == [
        str(int(value) if isinstance(value, bool) else value)
        for value in columns_of(row)
    ]


async def test_old_windows_are_forgotten_in_batches(authority):
    """
    Windows that ended long ago go, a bounded number at a time.
    """
    await authority.open([want(starts=at, ends=at + 10) for at in range(0, 100, 10)])

    gone = [await authority.prune(50, batch=3) for _ in range(3)]

    assert gone == [3, 1, 0]
    (kept,) = await authority.look([Ask(meter="m", starts=0, ends=10, at=55)])
    assert kept.mark == 5
