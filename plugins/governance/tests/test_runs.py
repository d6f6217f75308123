"""
Runs, of two workers on one database, and in a gateway.
"""

from __future__ import annotations

import asyncio

import pytest
from multidict import CIMultiDict
from sqlalchemy import event

from gateway import RateLimited
from gateway.errors import InvalidRequest
from gateway.plugins import FoundPlugin
from gateway.storage import Storage
from gateway.testing import FakeUpstream, GatewayClient, ManualClock, Script
from gateway_governance import GovernancePlugin
from gateway_governance import runs as module
from gateway_governance.run_rows import RunRow, RunRows
from gateway_governance.runs import Named, Run, Runs, meter_of, named_in
from gateway_governance.store import Store
from gateway_governance.values import Mint

USD = 1_000_000_000
LIFETIME_S = 3600.0
#: A run is over so long after its last request.
OVER_S = LIFETIME_S + 31.0


# --- as callers name them -------------------------------------------------------------------


def test_no_header_is_no_run():
    """
    Who names no run has none.
    """
    assert named_in(CIMultiDict()) is None


@pytest.mark.parametrize(
    ("cap", "nano"),
    [
        ("2", 2 * USD),
        ("0.25", 250_000_000),
        ("0.000000001", 1),
        (" 12.50 ", 12_500_000_000),
        ("999999999.999999999", 999_999_999_999_999_999),
    ],
)
def test_a_cap_is_read_to_the_nano(cap, nano):
    """
    Amounts are decimals, and nothing of them is lost.
    """
    headers = CIMultiDict({"X-Gw-Run-Id": "a b", "X-Gw-Run-Budget": cap})

    assert named_in(headers) == Named(run_id="a b", cap_nano=nano)


@pytest.mark.parametrize(
    "headers",
    [
        {"x-gw-run-id": ""},
        {"x-gw-run-id": "r" * 129},
        {"x-gw-run-id": "a\tb"},
        {"x-gw-run-id": "na\xefve"},
        {"x-gw-run-budget": "1"},
        *(
            {"x-gw-run-id": "r", "x-gw-run-budget": cap}
            for cap in (
                *("", "0", "0.0", "-1", "+1", "1e3", "1,5", ".5", "1.", "NaN"),
                *("1.0000000001", "1000000000", "\u0661", "1 USD", "0x1"),
            )
        ),
    ],
    ids=str,
)
def test_what_names_no_run_is_refused(headers):
    """
    A name that is none, and a cap that is no amount, are 400 and not guessed at.
    """
    with pytest.raises(InvalidRequest) as caught:
        named_in(CIMultiDict(headers))

    assert caught.value.code == "invalid_run"


# --- as workers know them -------------------------------------------------------------------


@pytest.fixture(name="clock")
def _clock():
    return ManualClock()


@pytest.fixture(name="storage")
async def _storage(tmp_path, clock):
    storage = Storage(tmp_path)
    await Store(storage=storage, mint=Mint(b"k" * 32), clock=clock).open()
    yield storage
    await storage.close()


@pytest.fixture(name="forgotten")
def _forgotten():
    return []


@pytest.fixture(name="worker_of")
async def _worker_of(storage, clock, forgotten):
    workers = []

    async def forget(meters):
        forgotten.extend(meter.id for meter in meters)

    def make(max_per_key=3):
        runs = Runs(
            rows=RunRows(storage, max_per_key),
            clock=clock,
            lifetime_s=LIFETIME_S,
            forget=forget,
        )
        workers.append(runs)
        return runs

    yield make
    for runs in workers:
        await runs.close()


@pytest.fixture(name="statements")
def _statements(storage):
    """
    What was asked of the database.
    """
    seen = []

    def note(connection, cursor, statement, *rest):
        seen.append(statement)

    event.listen(storage.engine.sync_engine, "before_cursor_execute", note)
    return seen


def named(cap_nano=None, run_id="night"):
    return Named(run_id=run_id, cap_nano=cap_nano)


async def visit(runs, cap_nano=None, run_id="night", key_id="vk_1"):
    """
    Make a request of a run, from its beginning to its end.
    """
    run = await runs.enter(key_id, named(cap_nano, run_id))
    runs.leave(key_id, run)
    return run


def limit_of(run):
    return None if run.meter is None else run.meter.limit


async def test_workers_agree_on_a_run(worker_of):
    """
    The cap that one worker was told holds in the other one, on the same meter.
    """
    one, other = worker_of(), worker_of()

    first = await visit(one, 2 * USD)
    second = await visit(other)

    assert first.meter == second.meter
    assert second.meter.limit == 2 * USD
    assert str(first.meter.owner).startswith("run/vk_1:")
    assert "night" not in first.meter.id


@pytest.mark.parametrize("second", [3 * USD, 2 * USD, None], ids=str)
async def test_the_first_cap_stands(worker_of, second):
    """
    Neither a higher cap nor none changes it.
    """
    runs = worker_of()
    await visit(runs, 2 * USD)

    assert limit_of(await visit(runs, second)) == 2 * USD


async def test_a_lower_cap_holds_from_then_on(worker_of):
    """
    A later request may lower the cap, and nobody raises it again.
    """
    one, other = worker_of(), worker_of()
    await visit(one, 2 * USD)
    await visit(other)

    await visit(other, USD)

    assert limit_of(await visit(other, 2 * USD)) == USD
    assert limit_of(await visit(worker_of())) == USD
    # The other worker still has the old one; its ledger never raises a run's limit.
    assert limit_of(await visit(one)) == 2 * USD


async def test_one_visit_to_the_database_for_a_run(worker_of, statements):
    """
    A worker asks when it first sees a run, however many requests come at once.
    """
    one, other = worker_of(), worker_of()
    await asyncio.gather(*(visit(one, 2 * USD) for _ in range(64)))
    await visit(other, 2 * USD)
    asked = len(statements)

    for _ in range(50):
        await visit(one, 2 * USD)
        await visit(other)

    assert len(statements) == asked
    assert sum("INSERT" in each for each in statements) == 1
    assert sum("SELECT" in each for each in statements) <= 4


async def test_a_run_without_a_cap_is_a_name(worker_of, storage):
    """
    It has no meter, it is counted nowhere, and a cap that is named later holds within a second.
    """
    one, other = worker_of(max_per_key=1), worker_of(max_per_key=1)
    for number in range(5):
        assert (await visit(one, run_id=f"r{number}")).meter is None
    await visit(other, 2 * USD, "r0")
    one.clock.move(1.5)

    assert limit_of(await visit(one, run_id="r0")) == 2 * USD


async def test_keys_have_runs_of_their_own(worker_of):
    """
    The same name under another key is another run.
    """
    runs = worker_of()

    mine = await visit(runs, 2 * USD)
    yours = await visit(runs, 5 * USD, key_id="vk_2")

    assert mine.meter != yours.meter
    assert limit_of(yours) == 5 * USD


async def test_a_run_too_many_is_limited(worker_of, clock, statements):
    """
    It is 429 with the time when the oldest is forgotten; those that are known go on.
    """
    runs = worker_of(max_per_key=2)
    for name in ("a", "b"):
        await visit(runs, USD, name)
    refusals = []
    for name in ("c", "d"):
        with pytest.raises(RateLimited) as caught:
            await visit(runs, USD, name)
        refusals.append(caught.value)

    assert {each.code for each in refusals} == {"runs_limited"}
    assert LIFETIME_S < refusals[0].retry_after_s <= OVER_S
    assert sum("count(" in each for each in statements) == 3  # not for the last
    assert limit_of(await visit(runs, USD, "a")) == USD
    clock.move(OVER_S)
    assert limit_of(await visit(runs, USD, "c")) == USD


async def test_a_run_that_is_used_lives_on(worker_of, clock):
    """
    The lifetime counts from the last request, in whichever worker.
    """
    one, other = worker_of(), worker_of()
    first = await visit(one, 2 * USD)
    for _ in range(5):
        clock.move(LIFETIME_S * 0.9)
        await visit(other)
        await other.write()
        await one.prune()

    assert (await visit(one, 9 * USD)).meter == first.meter


async def test_a_request_under_way_keeps_its_run(worker_of, clock, forgotten):
    """
    However long an answer takes, its run is not forgotten meanwhile.
    """
    runs = worker_of()
    run = await runs.enter("vk_1", named(USD))
    for _ in range(3):
        clock.move(LIFETIME_S)
        await runs.write()
        await runs.prune()

    assert forgotten == []
    assert (await visit(runs)).meter == run.meter
    runs.leave("vk_1", run)


async def test_what_is_over_is_forgotten(worker_of, clock, forgotten, storage):
    """
    Its row goes, its meter is let go of, and its name is free for another run.
    """
    runs, other = worker_of(), worker_of()
    first = await visit(runs, 2 * USD)
    meter = first.meter
    await visit(other)
    clock.move(OVER_S)

    await runs.prune()

    assert forgotten == [meter.id]
    assert await RunRows(storage, 1).find(("vk_1", "night")) is None
    again = await visit(other, 5 * USD)
    assert again.meter.id != meter.id
    assert limit_of(again) == 5 * USD


async def test_a_name_comes_back_before_anybody_cleared_up(worker_of, clock, forgotten):
    """
    A run that is over and still in the table is as good as gone.
    """
    runs = worker_of()
    meter = (await visit(runs, 2 * USD)).meter
    clock.move(OVER_S)

    again = await visit(runs, 3 * USD)

    assert forgotten == [meter.id]
    assert limit_of(again) == 3 * USD


async def test_a_look_changes_nothing(worker_of, statements):
    """
    What would be is told without writing: a run that is not there, a cap that is lower.
    """
    runs = worker_of()
    await visit(runs, 2 * USD)
    del statements[:]

    looked = [
        await runs.look("vk_1", named(cap, run_id))
        for run_id, cap in [
            ("night", None),
            ("night", USD),
            ("new", USD),
            ("new", None),
        ]
    ]

    assert [limit_of(run) for run in looked] == [2 * USD, USD, USD, None]
    assert not any(each.startswith(("INSERT", "UPDATE")) for each in statements)


async def test_what_could_not_be_written_is_written_later(
    worker_of, clock, monkeypatch
):
    """
    A database that is away for a while loses no use.
    """
    runs = worker_of()
    await visit(runs, USD)
    clock.move(100.0)
    await visit(runs)
    used, calls = RunRows.used, []

    async def fail(rows, uses):
        calls.append(uses)
        raise OSError

    monkeypatch.setattr(RunRows, "used", fail)
    with pytest.raises(OSError):  # noqa: PT011 - made above, without a text
        await runs.write()
    monkeypatch.setattr(RunRows, "used", used)
    await runs.write()

    found = await runs.rows.find(("vk_1", "night"))
    assert calls
    assert found.used_at == clock.now()


async def test_one_worker_remembers_so_many(worker_of, monkeypatch):
    """
    Names that callers make up do not fill the memory.
    """
    monkeypatch.setattr(module, "_REMEMBERED", 4)
    runs = worker_of()
    for number in range(10):
        await visit(runs, run_id=str(number))

    assert len(runs._known) == 4


def test_meters_are_joined_once():
    """
    The ledger finds the same tuple for the same tuple; a run without a cap adds nothing.
    """
    row = RunRow(key_id="k", run_id="r", began_at=1, cap_nano=5, used_at=0.0)
    run, base = Run(run_id="r", meter=meter_of(row)), ()
    others = [(each,) for each in range(40)]

    joined = run.with_meters(base)
    for other in others:
        assert run.with_meters(other) == (*other, run.meter)

    assert joined == (run.meter,)
    assert run.with_meters(others[-1]) is run.with_meters(others[-1])
    assert Run(run_id="r").with_meters(base) is base


# --- in a gateway ---------------------------------------------------------------------------

PLUGIN = FoundPlugin(name="governance", cls=GovernancePlugin)
VALUE = "vk-of-nobody-else-0123456789"
HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture(name="fake")
async def _fake():
    async with FakeUpstream() as fake:
        yield fake


def governed(fake, data_dir=None, **governance):
    place = {"type": "openai-compatible", "base_url": fake.openai_url, "auth": "none"}
    table = {
        "require_key": True,
        "virtual_keys": {"me": {"secret": "env.VK"}},
        "pricing_overrides": {
            "all": {"model": "*", "prices": {"input": 1, "output": 10}}
        },
        "when_short": "refuse",
        **governance,
    }
    settings = {
        "providers": {"p": place},
        "routing": {"retries": 0},
        "plugins": {"governance": table},
    }
    return GatewayClient(
        settings, plugins=[PLUGIN], environ={"VK": VALUE}, data_dir=data_dir
    )


async def ask(client, run_id="night", cap=None, *, value=VALUE, **body):
    headers = {"Authorization": f"Bearer {value}", "x-gw-run-id": run_id}
    if cap is not None:
        headers["x-gw-run-budget"] = cap
    asked = {"model": "p/m", "messages": HELLO, "max_tokens": 16, **body}
    return await client.ask("POST", "/v1/chat/completions", asked, headers)


def billed_nano(fake):
    return 1_000 * fake.bill.input_tokens + 10_000 * fake.bill.output_tokens


async def spend(client, *, cap, run_id="night"):
    """
    Ask until the answer is no.
    """
    for _ in range(200):
        answer = await ask(client, run_id, cap)
        if answer.status != 200:
            return answer
    return None


async def test_a_runs_money_is_its_own(fake):
    """
    A spent run is 402 and named so; the key's next run, and no run, are served.
    """
    async with governed(fake) as client:
        refused = await spend(client, cap="0.002")
        billed = billed_nano(fake)
        others = [await ask(client, "day", "0.002"), await ask(client, "any")]

    assert (refused.status, refused.headers["x-gw-code"]) == (402, "budget_exceeded")
    assert "0.002 USD of this run" in refused.json["error"]["message"]
    assert "resets" not in refused.json["error"]["message"]
    assert 0 < billed <= 2_000_000
    assert [answer.status for answer in others] == [200, 200]


async def test_runs_spend_their_keys_money(fake):
    """
    A run's cap adds nothing to what its key may spend.
    """
    keys = {"me": {"secret": "env.VK", "budgets": [{"limit_usd": 0.001, "per": "day"}]}}
    async with governed(fake, virtual_keys=keys) as client:
        refused = await spend(client, cap="5")

    assert refused.status == 402
    assert "virtual_key/me" in refused.json["error"]["message"]
    assert billed_nano(fake) <= 1_000_000


async def test_what_a_run_spent_survives_a_restart(fake, tmp_path):
    """
    The cap and what is spent of it stand when the gateway comes back.
    """
    async with governed(fake, tmp_path) as client:
        await spend(client, cap="0.002")
    async with governed(fake, tmp_path) as client:
        after = await ask(client)
        explained = await client.ask(
            "POST",
            "/api/explain",
            {
                "request": {"model": "p/m", "messages": HELLO, "max_tokens": 16},
                "key": "me",
                "headers": {"x-gw-run-id": "night"},
            },
        )

    assert after.status == 402
    assert billed_nano(fake) <= 2_000_000
    assert "0.002 USD of this run" in str(explained.json)


async def test_a_lowered_cap_counts_what_was_spent(fake):
    """
    Who lowers a cap below what is spent ends the run.
    """
    async with governed(fake) as client:
        first = await ask(client, cap="1")
        lowered = await ask(client, cap="0.000001")
        after = await ask(client, cap="1")

    assert [first.status, lowered.status, after.status] == [200, 402, 402]


async def test_usage_rows_name_the_run(fake):
    """
    With a cap or without, what was used is reported by run.
    """
    async with governed(fake) as client:
        await ask(client, "one", "1")
        await ask(client, "two")
        governor = client.gateway.hooks.plugins[0].plugin.governor
        await governor.ledger.flush()
        async with governor.store.storage.engine.connect() as connection:
            rows = await connection.exec_driver_sql(
                "SELECT run_id FROM governance_usage"
            )
            found = sorted(row[0] for row in rows)

    assert found == ["one", "two"]


@pytest.mark.parametrize("cap", ["-1", "nothing"])
async def test_a_bad_cap_is_the_callers_mistake(fake, cap):
    """
    The gateway says what is wrong before anything is sent.
    """
    async with governed(fake) as client:
        answer = await ask(client, cap=cap)

    assert (answer.status, answer.headers["x-gw-code"]) == (400, "invalid_run")
    assert not fake.requests


async def test_callers_without_a_key_have_no_runs(fake):
    """
    Where no key is required the headers of who shows none are ignored, whatever they say.
    """
    async with governed(fake, require_key=False) as client:
        answer = await ask(client, cap="nothing", value="sk-of-somebody-else")

    assert answer.status == 200


async def test_a_run_too_many_is_429(fake):
    """
    Beyond the number of runs of one key the answer is 429; those without a cap are served.
    """
    async with governed(fake, runs={"max_per_key": 2}) as client:
        answers = [await ask(client, f"r{number}", "1") for number in range(3)]
        uncapped = await ask(client, "r9")

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].headers["x-gw-code"] == "runs_limited"
    assert int(answers[2].headers["retry-after"]) > 0
    assert uncapped.status == 200


async def test_a_run_never_overspends_at_once(fake):
    """
    Sixty-four requests of one run at once spend its cap and no more, and hold nothing after.
    """
    fake.script("m", Script(latency_ms=5))
    async with governed(fake, wait={"up_to_s": 0}) as client:
        answers = await asyncio.gather(*(ask(client, cap="0.01") for _ in range(64)))
        governor = client.gateway.hooks.plugins[0].plugin.governor
        run = await governor.runs.enter("me", Named(run_id="night"))
        (standing,) = await governor.ledger.standing((run.meter,))
        governor.runs.leave("me", run)

    assert {answer.status for answer in answers} <= {200, 402, 429}
    assert 0 < billed_nano(fake) == standing.spent <= 10_000_000
    assert standing.held == 0
