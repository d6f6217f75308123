"""
Tests of `gateway_audit.recording.journal`: what becomes of requests while nothing can be recorded.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from gateway.testing import Script
from gateway_audit.testing import FaultyDisk

SLOW_S = 5.0


async def until(is_met):
    """
    Wait for something that happens in another thread.
    """
    async with asyncio.timeout(SLOW_S):
        while not is_met():  # noqa: ASYNC110 - it happens in a thread
            await asyncio.sleep(0.01)


async def test_nothing_goes_out_before_its_intent_is_on_the_disk(disk, audit):
    """
    While the disk is still writing, the provider hears nothing.
    """
    await audit.settled()
    disk.gate.clear()
    call = asyncio.ensure_future(audit.call())
    await until(lambda: audit.entries("intent"))
    asked = len(audit.fake.requests)
    disk.gate.set()
    answer = await call

    assert asked == 0
    assert answer.status == 200
    assert len(audit.fake.requests) == 1


async def test_closed_refuses_what_cannot_be_recorded(disk, audit):
    """
    503, within a second, no provider is asked; when the disk is well again, so is the gateway.
    """
    loop = asyncio.get_running_loop()
    disk.is_broken = True
    began = loop.time()
    refused = await audit.call()
    took = loop.time() - began
    again = await audit.call()
    asked = len(audit.fake.requests)
    disk.is_broken = False
    await until(lambda: not audit.journal.is_failing)
    served = await audit.call()

    assert [refused.status, again.status, served.status] == [503, 503, 200]
    assert refused.headers["x-gw-code"] == "audit_unavailable"
    assert refused.headers["retry-after"] == "1"
    assert took < 1.0
    assert asked == 0


async def test_a_disk_that_does_not_answer_is_one_that_fails(disk, audit):
    """
    Nobody waits for it longer than a second, and the refusal is recorded when it is well again.
    """
    loop = asyncio.get_running_loop()
    disk.gate.clear()
    began = loop.time()
    answer = await audit.call()
    took = loop.time() - began
    disk.gate.set()
    await until(lambda: audit.entries("outcome"))

    assert answer.status == 503
    assert took < 1.3
    assert len(audit.fake.requests) == 0


async def test_an_answer_whose_outcome_cannot_be_recorded_is_not_given(disk, audit):
    """
    The provider has answered, but nothing is served that is not recorded.
    """
    audit.fake.enqueue(Script(latency_ms=300))
    call = asyncio.ensure_future(audit.call())
    await audit.fake.wait_for(lambda: audit.fake.in_flight)
    disk.is_broken = True
    answer = await call
    disk.is_broken = False

    assert answer.status == 503
    assert answer.headers["x-gw-code"] == "audit_unavailable"
    assert b"choices" not in answer.body


async def test_a_stream_whose_outcome_cannot_be_recorded_is_cut(disk, audit):
    """
    What was sent cannot be taken back, but the stream does not end well.
    """
    audit.fake.enqueue(Script(latency_ms=300))
    call = asyncio.ensure_future(audit.call(stream=True))
    await audit.fake.wait_for(lambda: audit.fake.in_flight)
    disk.is_broken = True
    answer = await call
    disk.is_broken = False

    assert b"audit_unavailable" in answer.body


async def test_open_goes_on_counts_and_says_what_is_missing(disk, running):
    """
    Requests are served; the gap is an entry of its own once entries are written again.
    """
    async with running({"on_failure": "open"}) as audit:
        await audit.settled()  # the start is written, so that an intent finds out
        disk.is_broken = True
        answers = [await audit.call() for _ in range(3)]
        disk.is_broken = False
        await until(lambda: not audit.journal.is_failing)
        await audit.settled()

    # The first intent found out that the disk fails, and outcomes wait for it as long as there is
    # room: they are late and not missing.
    (gap,) = audit.entries("gap")
    there = Counter(each["type"] for each in audit.entries("intent", "outcome"))
    assert [each.status for each in answers] == [200, 200, 200]
    assert there + Counter(gap["missing"]) == Counter(intent=3, outcome=3)
    assert gap["missing"] == {"intent": 2}


async def test_events_wait_for_the_disk(disk, audit):
    """
    What an operator did while the disk failed is recorded when it does not.
    """
    disk.is_broken = True
    await audit.call()
    audit.recorder.note("test.event")
    disk.is_broken = False
    await until(lambda: not audit.journal.is_failing)
    await until(lambda: audit.entries("test.event"))

    assert len(audit.entries("test.event")) == 1


async def test_what_one_disk_does_not_take_another_does(tmp_path, running, monkeypatch):
    """
    With a second spool the gateway serves on, and nothing is missing.
    """
    first, second = FaultyDisk(), FaultyDisk()
    disks = [first, second]  # taken from the end: the second spool is opened first
    monkeypatch.setattr("gateway_audit.spool.spool.Disk", disks.pop)
    spill = tmp_path / "spill"
    async with running({"on_failure": {"spill": str(spill)}}) as audit:
        await audit.call()
        first.is_broken = True
        second_answer = await audit.call()
        second.is_broken = True
        third_answer = await audit.call()
        first.is_broken = second.is_broken = False

    assert (second_answer.status, third_answer.status) == (200, 503)
    kinds = [each["type"] for each in audit.entries("intent", "outcome", folder=spill)]
    assert kinds[:2] == ["intent", "outcome"]


async def test_a_refusal_stays_what_it_was(disk, audit):
    """
    Who gets nothing anyway is told why, recorded or not.
    """
    disk.is_broken = True
    await audit.call()
    answer = await audit.call(model="nobody/has-this")
    disk.is_broken = False

    assert answer.status == 404


async def test_an_operator_is_answered_when_the_disk_has_it(disk, audit):
    """
    Before the answer, what was done stands on the disk; while it cannot, the answer says so.
    """
    subject = {"subject": "somebody"}
    done = await audit.client.post("/api/audit/erase", subject)
    told = [each["type"] for each in audit.entries("admin.acted", "erasure")]
    disk.is_broken = True
    failed = await audit.client.post("/api/audit/erase", subject)
    disk.is_broken = False
    await until(lambda: len(audit.entries("admin.acted")) == 2)

    assert done.status == 200
    assert told == ["erasure", "admin.acted"]
    assert failed.status == 503
    assert failed.json["error"]["code"] == "audit_unavailable"


async def test_an_event_that_one_disk_does_not_take_is_on_the_other(
    tmp_path, running, monkeypatch
):
    """
    Also the one by which it is found out that the first disk fails.
    """
    first, second = FaultyDisk(), FaultyDisk()
    disks = [first, second]  # taken from the end: the second spool is opened first
    monkeypatch.setattr("gateway_audit.spool.spool.Disk", disks.pop)
    spill = tmp_path / "spill"
    async with running({"on_failure": {"spill": str(spill)}}) as audit:
        first.is_broken = True
        answer = await audit.client.post("/api/audit/erase", {"subject": "somebody"})
        found = audit.entries("admin.acted", folder=spill)
        first.is_broken = False

    assert answer.status == 200
    assert len(found) == 1


async def test_what_is_missing_is_a_metric(disk, running):
    """
    What was lost, and that the disk fails, stand among the gateway's numbers.
    """
    async with running({"on_failure": "open"}) as audit:
        await audit.settled()
        disk.is_broken = True
        for _ in range(3):
            await audit.call()
        found = {each.name: each.value() for each in audit.plugin.register_metrics()}
        disk.is_broken = False

    assert found["audit_entries_lost"] == 2
    assert found["audit_failing_workers"] == 1


async def ready(audit):
    answer = await audit.client.ask("GET", "/readyz")
    return answer.status, answer.json.get("reason")


async def test_readiness_ends_while_nothing_can_be_recorded(disk, audit):
    """
    A load balancer is told, and told again when the disk is well, though nobody calls meanwhile.
    """
    before = await ready(audit)
    disk.is_broken = True
    await audit.call()
    meanwhile = await ready(audit)
    alive = await audit.client.ask("GET", "/healthz")
    disk.is_broken = False
    await until(lambda: not audit.journal.is_failing)
    after = await ready(audit)

    assert before == after == (200, None)
    assert meanwhile == (
        503,
        "audit: requests cannot be recorded, so none is served",
    )
    assert alive.status == 200


@pytest.mark.parametrize(
    ("on_failure", "status"), [("closed", 503), ("open", 200)], ids=str
)
async def test_readiness_ends_while_the_register_of_persons_fails(
    running, on_failure, status
):
    """
    Whoever is new would be refused, unless the operator lets requests go on.
    """
    async with running({"on_failure": on_failure}) as audit:
        database = audit.recorder.register._database
        database.execute("PRAGMA query_only = ON")
        await audit.recorder.look()
        meanwhile, _ = await ready(audit)
        database.execute("PRAGMA query_only = OFF")
        await audit.recorder.look()
        after, _ = await ready(audit)

    assert (meanwhile, after) == (status, 200)


@pytest.mark.parametrize("policy", ["open", "spill"])
async def test_whoever_serves_on_is_ready(disk, running, tmp_path, policy):
    """
    A second disk that works, or an operator who goes on without a record.
    """
    told = {"spill": str(tmp_path / "spill")} if policy == "spill" else policy
    async with running({"on_failure": told}) as audit:
        # What the start noted is written: that the disk took it would say that it is well.
        await audit.journal.noted()
        audit.journal._spool._change(is_failing=True)
        served = await ready(audit)
        if policy == "spill":
            audit.journal._spill._change(is_failing=True)
        neither = await ready(audit)

    assert served == (200, None)
    assert neither[0] == (503 if policy == "spill" else 200)
