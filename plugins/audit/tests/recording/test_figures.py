"""
Tests of `gateway_audit.recording.figures` and `gateway_audit.recording.counting`.
"""

from __future__ import annotations

import sqlite3

import pytest

from gateway_audit.recording.counting import metrics
from gateway_audit.recording.figures import FRESH_S, Figures
from gateway_audit.sequencing.status import Status, write_status

SINKS = {
    "siem": {"lag_s": 1000.0, "lag_entries": 12, "problem": "it answered 503"},
    "file": {"lag_s": 0.0, "lag_entries": 0, "problem": None},
}


def shown(audit):
    """
    Read every metric of a worker.
    """
    return {each.name: each.value() for each in metrics(lambda: audit.recorder)}


@pytest.fixture(name="told")
def _told(audit):
    """
    Let a sequencer say how the sinks are.
    """
    now = audit.gateway.clock.now()
    write_status(
        audit.recorder.places.root, Status(at=now, companions={"sinks": SINKS})
    )


async def test_how_far_each_sink_is_behind_is_a_metric(audit, told):
    """
    In entries and in seconds; that one of them is dead counts as a problem.
    """
    found = shown(audit)

    assert found["audit_sink_lag_entries"] == {("siem",): 12, ("file",): 0}
    assert found["audit_sink_lag_seconds"] == {("siem",): 1000.0, ("file",): 0.0}
    assert found["audit_problems"] == 1


async def test_all_workers_together_show_it_once(audit, told):
    """
    They are summed up; when the one that shows it ends, another one does.
    """
    places, clock = audit.recorder.places, audit.gateway.clock
    first, second = Figures(places, clock), Figures(places, clock)

    both = [each.lag_entries() for each in (first, second)]
    first.close()
    alone = second.lag_entries()
    second.close()

    assert both == [{("siem",): 12, ("file",): 0}, {}]
    assert (second.problems(), alone) == (1, both[0])


async def test_the_file_is_read_once_for_several_numbers(audit, told, monkeypatch):
    """
    A scrape costs one look; the next one sees what is new.
    """
    figures, looks = audit.recorder.figures, []
    monkeypatch.setattr(
        "gateway_audit.recording.figures.read_status", lambda *_: looks.append(1)
    )

    shown(audit)
    once = len(looks)
    figures._read_at -= FRESH_S * 2
    shown(audit)

    assert (once, len(looks)) == (1, 2)


async def test_the_page_of_metrics_has_the_sinks_by_name(audit, told):
    """
    Prometheus asks for it.
    """
    page = (await audit.client.ask("GET", "/metrics")).body.decode()

    assert 'gatewright_audit_sink_lag_entries{sink="siem"} 12' in page
    assert 'gatewright_audit_sink_lag_seconds{sink="siem"} 1000.0' in page


async def test_a_worker_that_cannot_record_persons_is_counted(audit, monkeypatch):
    """
    Its entries reach the disk, and yet every call is refused.
    """
    before = shown(audit)["audit_failing_workers"]

    def fails(*_):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(audit.recorder.register, "peer", fails)
    answer = await audit.call()

    assert answer.status == 503
    assert (before, shown(audit)["audit_failing_workers"]) == (0, 1)
