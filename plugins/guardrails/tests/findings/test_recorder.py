from __future__ import annotations

import asyncio
import contextlib

import pytest
from structlog.testing import capture_logs

from gateway import Finding, Identity
from gateway.storage import Storage
from gateway.testing import ManualClock, make_exchange
from gateway_guardrails.events import GuardrailActed
from gateway_guardrails.findings import recorder as recording
from gateway_guardrails.findings.recorder import FindingsRecorder
from gateway_guardrails.findings.store import FindingsStore, Wanted
from gateway_guardrails.policy.store import Store

IDENTITY = Identity(key_id="vk_1", team_id="t_1", customer_id="c_1")


def finding(**told):
    usual = {
        "guardrail": "g",
        "detector": "pii",
        "type": "EMAIL",
        "severity": "high",
        "action": "redact",
        "stage": "input",
        "span": (3, 9),
        "score": 0.9,
        "place": "user message",
        "took_us": 7,
    }
    return Finding(**{**usual, **told})


@pytest.fixture(name="clock")
def _clock():
    return ManualClock()


@pytest.fixture(name="store")
async def _store(tmp_path, clock):
    storage = Storage(tmp_path)
    await Store(storage=storage, clock=clock).open()
    yield FindingsStore(storage.engine)
    await storage.close()


@pytest.fixture(name="events")
def _events():
    return []


@pytest.fixture(name="recorder")
def _recorder(store, clock, events):
    return FindingsRecorder(
        store,
        clock=clock,
        publish=events.append,
        model_of=lambda exchange: exchange.request.model,
        max_queued=100,
        keep_days=30,
    )


async def kept(store, **wanted):
    rows, _ = await store.page(Wanted(**wanted))
    return rows


class TestRecording:
    async def test_what_was_found_is_written_without_its_text(self, recorder, store):
        """
        Who, when, which and where.
        """
        recorder.record(make_exchange(identity=IDENTITY), [finding()], 2_000_000)
        await recorder.flush()

        (row,) = await kept(store)
        assert {**row, "id": 1} == {
            "id": 1,
            "at": 1_700_000_000.0,
            "request_id": "req_test",
            "key_id": "vk_1",
            "team_id": "t_1",
            "customer_id": "c_1",
            "model": "m",
            "guardrail": "g",
            "detector": "pii",
            "type": "EMAIL",
            "severity": "high",
            "action": "redact",
            "stage": "input",
            "is_shadow": False,
            "place": "user message",
            "took_us": 7,
            "span_start": 3,
            "span_end": 9,
            "score": 0.9,
            "latency_ns": 2_000_000,
        }

    async def test_a_shadow_is_told_from_a_deed(self, recorder, store):
        """
        What would have been done was not done.
        """
        recorder.record(make_exchange(), [finding(is_shadow=True)], 1)
        await recorder.flush()

        (row,) = await kept(store)
        assert row["is_shadow"]

    async def test_each_exchange_is_told_once(self, recorder, events):
        """
        In its own process, with all that was found.
        """
        recorder.record(make_exchange(identity=IDENTITY), [finding(), finding()], 5)

        (event,) = events
        assert isinstance(event, GuardrailActed)
        assert (event.request_id, event.key_id, event.latency_ns) == (
            "req_test",
            "vk_1",
            5,
        )
        assert len(event.findings) == 2

    async def test_nothing_found_and_dry_runs_leave_nothing(
        self, recorder, store, events
    ):
        """
        Neither a row nor an event.
        """
        recorder.record(make_exchange(), [], 5)
        recorder.record(make_exchange(dry_run=True), [finding()], 5)
        await recorder.flush()

        assert (await kept(store), events) == ([], [])

    async def test_a_strangers_words_do_not_break_a_batch(self, recorder, store):
        """
        What a database cannot take is made what it can.
        """
        body = {"model": "m\ud800" + "x" * 300, "messages": []}
        odd = finding(type="A\x00\ud800" + "b" * 500)
        exchange = make_exchange()
        exchange.request.model = body["model"]

        recorder.record(exchange, [odd], 1)
        await recorder.flush()

        (row,) = await kept(store)
        assert row["type"].startswith("A??b")
        assert (len(row["type"]), len(row["model"])) == (128, 256)

    async def test_a_name_that_may_not_be_told_is_not_written(self, recorder, store):
        """
        Nobody but the caller knows such a model.
        """
        recorder._model_of = lambda exchange: None
        recorder.record(make_exchange(), [finding()], 1)
        await recorder.flush()

        (row,) = await kept(store)
        assert row["model"] is None


class TestOverflow:
    async def test_what_does_not_fit_is_counted_and_told(self, recorder, store):
        """
        And what does fit is written.
        """
        for _ in range(12):
            recorder.record(make_exchange(), [finding()] * 10, 1)

        with capture_logs() as logs:
            await recorder.flush()
            await recorder.flush()

        assert len(await kept(store, limit=200)) == 100
        assert recorder.dropped == 20
        assert [each["dropped"] for each in logs] == [20]

    async def test_a_database_that_takes_nothing_loses_nothing(
        self, recorder, store, monkeypatch
    ):
        """
        What waits is tried again, in its order.
        """
        monkeypatch.setattr(recording, "GATHER_S", 0.0)
        monkeypatch.setattr(recording, "RETRY_S", 0.0)
        add, fails = FindingsStore.add, iter(["once", "twice"])

        async def failing(self, rows):
            if next(fails, None):
                raise OSError("disk full")
            await add(self, rows)

        monkeypatch.setattr(FindingsStore, "add", failing)
        recorder.record(make_exchange(), [finding(type="A"), finding(type="B")], 1)
        with capture_logs() as logs:
            await written(recorder, store)

        assert [row["type"] for row in await kept(store)] == ["B", "A"]
        assert [each["error"] for each in logs] == ["OSError", "OSError"]

    async def test_what_waits_is_written_at_the_end(self, recorder, store):
        """
        Of a gateway that stops.
        """
        recorder.record(make_exchange(), [finding()], 1)

        await recorder.close()

        assert len(await kept(store)) == 1


async def written(recorder, store):
    task = asyncio.get_running_loop().create_task(recorder.run())
    try:
        async with asyncio.timeout(10):
            while not await kept(store):  # noqa: ASYNC110 - it tells nobody of it
                await asyncio.sleep(0.005)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_what_is_too_old_is_removed(recorder, store, clock, monkeypatch):
    """
    A little at a time, until nothing is left to remove.
    """
    monkeypatch.setattr("gateway_guardrails.findings.store.PRUNED_AT_A_TIME", 2)
    recorder.record(make_exchange(), [finding()] * 5, 1)
    await recorder.flush()
    clock.move(29 * 86_400)
    recorder.record(make_exchange(), [finding(type="NEW")], 1)
    await recorder.flush()
    clock.move(2 * 86_400)

    removed = await recorder.prune()

    assert removed == 5
    assert [row["type"] for row in await kept(store)] == ["NEW"]


class TestPages:
    async def test_the_latest_come_first_page_by_page(self, recorder, store):
        """
        A page says where the next one begins; the last says nothing.
        """
        for number in range(5):
            recorder.record(make_exchange(), [finding(type=f"T{number}")], 1)
        await recorder.flush()

        first, cursor = await store.page(Wanted(limit=3))
        rest, end = await store.page(Wanted(limit=3, before=cursor))

        assert [row["type"] for row in first] == ["T4", "T3", "T2"]
        assert [row["type"] for row in rest] == ["T1", "T0"]
        assert end is None

    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            ({"equal": (("type", "A"),)}, ["A"]),
            ({"equal": (("stage", "output"), ("severity", "low"))}, ["B"]),
            ({"since": 1_700_000_005.0}, ["B"]),
            ({"until": 1_700_000_005.0}, ["A"]),
        ],
    )
    async def test_filters_narrow(self, recorder, store, clock, wanted, expected):
        """
        By column, and by time.
        """
        recorder.record(make_exchange(), [finding(type="A")], 1)
        clock.move(10)
        recorder.record(
            make_exchange(), [finding(type="B", stage="output", severity="low")], 1
        )
        await recorder.flush()

        assert [row["type"] for row in await kept(store, **wanted)] == expected
