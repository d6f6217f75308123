from __future__ import annotations

import pytest

from gateway.storage import Storage
from gateway_governance.ledger.authority import Settled
from gateway_governance.ledger.sqlite import MIGRATED_AS, MIGRATIONS, SqliteAuthority
from gateway_governance.usage import UsageRow, columns_of
from gateway_governance.usage_reports import UsageFilter, UsageReports

DAY = 86_400.0


def row(number, **more):
    values = {"at": number * 3600.0, "cost_nano": 10, "output_tokens": 1} | more
    return UsageRow(exchange_id=f"req_{number:03d}", attempt=1, **values)


ROWS = [
    row(1, key_id="k1", team_id="t1", model="m1", provider="p", cost_nano=5),
    row(2, key_id="k2", team_id="t1", model="m1", provider="p", cost_nano=50),
    row(3, key_id="k2", team_id="t1", model="m2", provider="q", run_id="r"),
    row(30, key_id="k3", customer_id="c", model="m2", provider="q", is_estimated=True),
    row(31, model="m2", provider="q"),
]


@pytest.fixture
async def reports(tmp_path):
    """Reports over some rows."""
    storage = Storage(tmp_path)
    await storage.migrate(MIGRATED_AS, MIGRATIONS)
    authority = SqliteAuthority(tmp_path / "gateway.db")
    await authority.settle(
        [
            Settled(hold_id=at, actual=(0, 0, 0), charges=(), row=columns_of(each))
            for at, each in enumerate(ROWS)
        ]
    )
    await authority.close()
    yield UsageReports(storage.engine)
    await storage.close()


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("key", {None: 10, "k1": 5, "k2": 60, "k3": 10}),
        ("team", {None: 20, "t1": 65}),
        ("customer", {None: 75, "c": 10}),
        ("model", {"m1": 55, "m2": 30}),
        ("provider", {"p": 55, "q": 30}),
        ("run", {None: 75, "r": 10}),
        ("day", {"1970-01-01": 65, "1970-01-02": 20}),
        (None, {None: 85}),
    ],
)
async def test_costs_add_up_by_every_group(reports, by, expected):
    """
    What is spent is told apart by key, team, customer, model, provider, run and day.
    """
    found = await reports.totals(by, UsageFilter())

    assert {each.group: each.cost_nano for each in found} == expected


async def test_counts_add_up(reports):
    """
    A total has the attempts, those that are estimates, and every bucket.
    """
    (found,) = await reports.totals(None, UsageFilter())

    assert (found.attempts, found.estimated) == (5, 1)
    assert found.counts["output_tokens"] == 5
    assert found.counts["input_tokens"] == 0


@pytest.mark.parametrize(
    ("which", "cost"),
    [
        ({"key_id": "k2"}, 60),
        ({"key_id": "k2", "model": "m2"}, 10),
        ({"since": DAY}, 20),
        ({"until": 2 * 3600.0}, 5),
        ({"since": 2 * 3600.0, "until": 3 * 3600.0}, 50),
        ({"run_id": "r"}, 10),
    ],
)
async def test_filters_agree_all_together(reports, which, cost):
    """
    Only rows count that agree with the whole filter; ends are open.
    """
    (found,) = await reports.totals(None, UsageFilter(**which))

    assert found.cost_nano == cost


async def test_nothing_adds_up_to_nothing(reports):
    """
    A filter that nothing agrees with has no totals.
    """
    assert await reports.totals(None, UsageFilter(key_id="gone")) == []
    assert await reports.totals("key", UsageFilter(key_id="gone")) == []


async def test_totals_come_in_pages_the_dearest_first(reports):
    """
    Groups are ordered by what they cost, and cut into pages.
    """
    first = await reports.totals("key", UsageFilter(), limit=2)
    second = await reports.totals("key", UsageFilter(), limit=2, offset=2)
    by_name = await reports.totals("model", UsageFilter(), order="group")

    assert first[0].group == "k2"
    assert len({each.group for each in first + second}) == 4
    assert [each.group for each in by_name] == ["m1", "m2"]


async def test_rows_come_in_pages_the_newest_first(reports):
    """
    Every row is read once, as it was written.
    """
    found, cursor = await reports.rows(UsageFilter(), limit=2)
    while cursor is not None:
        page, cursor = await reports.rows(UsageFilter(), limit=2, after=cursor)
        found += page

    assert found == ROWS[::-1]


async def test_old_rows_are_removed_in_batches(reports):
    """
    Rows older than a moment go, a bounded number at a time.
    """
    gone = [await reports.prune(DAY, batch=2) for _ in range(3)]
    left, _ = await reports.rows(UsageFilter())

    assert gone == [2, 1, 0]
    assert left == ROWS[:2:-1]
