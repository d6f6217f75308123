"""
Tests of `gateway_audit.recording.watching`.
"""

from __future__ import annotations

from structlog.testing import capture_logs

from gateway_audit.sequencing.status import STALE_S, Status, write_status


async def test_a_spool_that_nobody_empties_is_warned_of_once(audit):
    """
    A gateway without a sequencer says so, with what it takes of the disk, and not at every look.
    """
    await audit.call()
    with capture_logs() as lines:
        found = [audit.recorder.watch.look() for _ in range(3)]

    (line,) = lines
    assert found == [False] * 3
    assert line["log_level"] == "warning"
    assert "no sequencer runs" in line["event"]
    assert line["spool_bytes"] > 0
    assert (await audit.get("/status")).json["spool_bytes"] == line["spool_bytes"]


async def test_where_there_is_a_sequencer_nothing_is_said(audit):
    """
    And what it takes into the log leaves the spool.
    """
    await audit.sequenced()
    with capture_logs() as lines:
        found = audit.recorder.watch.look()

    assert found is True
    assert lines == []


async def test_a_status_of_the_future_is_an_old_one(audit):
    """
    A clock that was put back does not keep a sequencer alive that has gone.
    """
    await audit.sequenced()
    now = audit.gateway.clock.now()
    write_status(audit.recorder.places.root, Status(at=now + STALE_S + 60))

    assert audit.recorder.watch.look() is False
