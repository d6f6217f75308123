"""
Tests of `gateway_audit.recording.configuration`: changes of the settings, and what is kept of them.
"""

from __future__ import annotations

import errno
import sqlite3

import pytest

from gateway.events import SettingsChanged
from gateway_audit.recording.configuration import OPERATOR, UNKNOWN
from gateway_audit.recording.keeping import LOST
from gateway_audit.subjects.register import Register

KEPT = {"bodies": {"settings": "redacted"}}


@pytest.fixture
async def others(running):
    """
    Settings that differ from those of `kept` in one path.
    """
    async with running(KEPT, routing={"retries": 3}) as audit:
        return audit.gateway.settings


@pytest.fixture
async def kept(others, running):
    """
    A gateway that keeps changes of the settings, and was started with others than before.
    """
    async with running(KEPT) as audit:
        await audit.gateway.tasks.join(10)
        yield audit


async def reloaded(audit, settings, **how):
    """
    Put *settings* in force; return what was told of it.
    """
    await audit.gateway.reload(settings, "ann", **how)
    await audit.recorder.settle()
    found = audit.entries("settings.changed")
    return [each for each in found if each["actor"] == "ann"]


async def opened(audit):
    """
    Ask for what was kept of the latest change.
    """
    await audit.sequenced()
    found = (await audit.get(type="settings.changed")).json["entries"]
    path = f"/api/audit/entries/{found[0]['index']}/body"
    return await audit.client.ask("POST", path, {})


async def test_a_reload_keeps_what_changed(kept, others):
    """
    Sealed, beside the log: the entry has its hash, and no value.
    """
    (entry,) = await reloaded(kept, others)

    told = (await opened(kept)).json
    (reading,) = kept.entries("body.read")
    assert told["settings"] == {"routing.retries": {"after": 3, "before": 0}}
    assert entry["changed"] == ["routing.retries"]
    assert entry["body"]["kept"] == told["kept"] == "redacted"
    assert (reading["index"], reading["request"]) == (told["index"], None)
    (file,) = (kept.data_dir / "audit/bodies").rglob("*.body")
    assert b"retries" not in file.read_bytes()
    assert list(entry) == sorted(entry)


@pytest.mark.parametrize("index", ["4711", "x", "-1", "9" * 30])
async def test_an_entry_that_there_is_not_has_no_body(kept, index):
    """
    Whatever is asked for instead of an index.
    """
    await kept.sequenced()

    path = f"/api/audit/entries/{index}/body"
    answer = await kept.client.ask("POST", path, {})

    assert (answer.status, answer.json["error"]["code"]) == (404, "entry_not_found")


async def test_it_is_about_the_operator_under_a_name_of_its_own(kept, others):
    """
    The entry has the operator's name: were it a caller too, its pseudonym would be told.
    """
    (entry,) = await reloaded(kept, others)

    register = kept.recorder.register
    assert register.find("ann") is None
    subject = register.find(f"{OPERATOR}ann")
    assert subject.pseudonym == entry["body"]["subject"]


async def test_it_is_erased_like_any_body(kept, others):
    """
    With the operator's key; the entry stays.
    """
    await reloaded(kept, others)
    told = {"subject": f"{OPERATOR}ann"}
    erased = await kept.client.post("/api/audit/erase", told)

    assert "bodies destroyed: 1" in erased.json["reports"]["audit"]
    assert (await opened(kept)).json["error"]["code"] == "subject_erased"


async def test_a_legal_hold_covers_what_was_archived(running):
    """
    Its entry tells of it, though its bytes are elsewhere.
    """
    table = {**KEPT, "keep": {"legal_hold": "0"}}
    async with running(table, routing={"retries": 3}) as audit:
        others = audit.gateway.settings
    async with running(table) as audit:
        await reloaded(audit, others)
        await audit.sequenced()
        (file,) = (audit.data_dir / "audit/bodies").rglob("*.body")
        file.unlink()
        told = {"subject": f"{OPERATOR}ann"}
        erased = await audit.client.post("/api/audit/erase", told)

    assert erased.json["error"]["code"] == "legal_hold"
    assert "entries: 1, bodies: 0" in erased.json["error"]["message"]


async def test_nothing_is_kept_unless_it_is_asked_for(running, others):
    """
    The entry is what it always was, whatever is kept of requests.
    """
    async with running({"bodies": "full"}) as audit:
        audit.gateway.publish(SettingsChanged(at=1.0, before="a", after="b"))
        await audit.settled()
        entries = audit.entries("settings.changed")

    assert [each.get("body") for each in entries] == [None, None]
    assert not any("body" in each for each in entries)


async def test_of_a_start_with_others_no_values_are_known(kept):
    """
    Only hashes are kept of what was in force before: the entry says so, and so does the route.
    """
    (entry,) = kept.entries("settings.changed")
    answer = await opened(kept)

    assert entry["actor"] == "start"
    assert entry["body"] == UNKNOWN
    assert (answer.status, answer.json["error"]["code"]) == (404, "body_not_kept")
    assert "before the start are not known" in answer.json["error"]["message"]


async def test_a_reload_of_the_same_settings_keeps_nothing(kept):
    """
    It changed nothing.
    """
    (entry,) = await reloaded(kept, kept.gateway.settings)

    assert "body" not in entry


async def test_the_worker_that_tells_of_a_change_keeps_it(kept, others):
    """
    To the others it is an echo; what they compare the next one with is what it brought.
    """
    before = kept.gateway.settings
    echoed = await reloaded(kept, others, is_echo=True)
    bodies = kept.data_dir / "audit/bodies"
    left = list(bodies.rglob("*.body"))
    await reloaded(kept, before)

    assert (echoed, left) == ([], [])
    change = {"after": 0, "before": 3}
    assert (await opened(kept)).json["settings"] == {"routing.retries": change}


def break_shelf(audit, monkeypatch):
    def is_full(*_, **__):
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(audit.recorder.keeping.shelf, "put", is_full)


def break_register(audit, monkeypatch):
    def is_ill(*_):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(Register, "subject", is_ill)


@pytest.mark.parametrize("breaks", [break_shelf, break_register])
async def test_a_change_that_cannot_be_kept_is_told_all_the_same(
    kept, others, monkeypatch, breaks
):
    """
    Its entry says that the values are missing, and the audit is not well.
    """
    breaks(kept, monkeypatch)
    (entry,) = await reloaded(kept, others)

    assert entry["body"] == LOST
    assert not kept.recorder.standing.is_healthy


async def test_a_change_is_told_before_the_gateway_ends(running, others):
    """
    Whoever stops it at once takes nothing away.
    """
    async with running(KEPT) as audit:
        await audit.gateway.tasks.join(10)
        await audit.gateway.reload(others, "ann")
    told = [each["actor"] for each in audit.entries("settings.changed")]

    assert told == ["start", "ann"]
