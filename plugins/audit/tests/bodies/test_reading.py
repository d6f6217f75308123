"""
Tests of `gateway_audit.bodies.reading`, through the route that opens a body.
"""

from __future__ import annotations

import errno

import pytest

from gateway.testing import Script
from gateway_audit.index.table import open_for_writing
from gateway_audit.retention.archives import FolderArchive, folder_of
from gateway_audit.retention.state import RetentionState, save_state
from gateway_audit.sequencing.files import Files

PERSON = {"x-person": "alice@example.com"}
TABLE = {"bodies": "full", "subject": {"header": "x-person"}}
ORIGIN = "gw.test/log"


@pytest.fixture
async def kept(running):
    """
    A gateway that keeps bodies, and has answered one request that is in the log.
    """
    async with running(TABLE) as audit:
        audit.fake.enqueue(Script(text="it sings well"))
        messages = [{"role": "user", "content": "a canary sings"}]
        answer = await audit.call(headers=PERSON, messages=messages)
        await audit.sequenced()
        audit.request_id = answer.headers["x-gw-request-id"]
        yield audit


def shelved(audit):
    (path,) = (audit.data_dir / "audit" / "bodies").rglob("*.body")
    return path


async def read(audit, request_id=None, headers=None):
    path = f"/api/audit/bodies/{request_id or audit.request_id}"
    return await audit.client.ask("POST", path, {}, headers)


async def code_of(audit, status, request_id=None):
    answer = await read(audit, request_id)
    assert answer.status == status, answer.body
    assert b"canary" not in answer.body
    assert not audit.entries("body.read")
    return answer.json["error"]["code"]


async def test_a_body_is_read_and_the_reading_is_an_entry(kept):
    """
    Request and answer come back; the log says who read whose, and nothing of what it was.
    """
    told = (await read(kept)).json
    reading, acted = kept.entries("body.read", "admin.acted")

    assert "a canary sings" in told["request"]
    assert "it sings well" in told["response"]
    assert told["kept"] == "full"
    assert (reading["actor"], reading["request"]) == ("local", kept.request_id)
    assert reading["subject"] == told["subject"]
    assert acted["target"] == f"audit.body/{kept.request_id}"
    assert "sings" not in f"{reading}{acted}"


async def test_what_was_archived_is_read_there(kept):
    """
    The shelf is asked first, and then the archive.
    """
    path = shelved(kept)
    archive = FolderArchive(kept.data_dir / "audit" / "archive" / folder_of(ORIGIN))
    archive.put(f"bodies/000/{path.stem}", path.read_bytes())
    path.unlink()

    assert "a canary sings" in (await read(kept)).json["request"]


async def test_nobody_reads_what_cannot_be_written_down(kept, disk):
    """
    While the disk fails the answer is 503, and holds nothing of the body.
    """
    disk.is_broken = True

    assert await code_of(kept, 503) == "audit_unavailable"


async def test_an_unknown_request_has_no_body(kept):
    """
    It is told apart from one whose body is gone.
    """
    assert await code_of(kept, 404, "req_unknown") == "request_not_found"


async def test_a_request_of_which_nothing_was_kept_says_so(audit):
    """
    By default there are no bodies.
    """
    answer = await audit.call()
    await audit.sequenced()

    request_id = answer.headers["x-gw-request-id"]
    assert await code_of(audit, 404, request_id) == "body_not_kept"


async def test_a_body_that_could_not_be_stored_is_not_looked_for(running, monkeypatch):
    """
    The entry says why there is none.
    """
    async with running({**TABLE, "on_failure": "open"}) as audit:

        def is_full(*_, **__):
            raise OSError(errno.ENOSPC, "no space left")

        monkeypatch.setattr(audit.recorder.keeping.shelf, "put", is_full)
        answer = await audit.call(headers=PERSON)
        await audit.sequenced()
        asked = await read(audit, answer.headers["x-gw-request-id"])

    assert asked.json["error"]["code"] == "body_not_kept"
    assert "it could not be stored" in asked.json["error"]["message"]


async def test_the_body_of_somebody_who_was_erased_is_gone(kept):
    """
    Even where its bytes lie somewhere.
    """
    path = shelved(kept)
    sealed = path.read_bytes()
    await kept.client.post("/api/audit/erase", {"subject": "alice@example.com"})
    path.parent.mkdir()
    path.write_bytes(sealed)

    assert await code_of(kept, 410) == "subject_erased"


async def test_a_body_that_was_pruned_is_not_called_lost(kept):
    """
    What is below the minimum index went by the policy; what is not there otherwise is missed.
    """
    shelved(kept).unlink()
    missing = await code_of(kept, 500)
    state = RetentionState(origin=ORIGIN, min_index=256)
    save_state(Files(kept.data_dir / "audit"), state)

    assert missing == "body_missing"
    assert await code_of(kept, 410) == "body_pruned"


async def test_bytes_that_were_changed_are_not_opened(kept):
    """
    Their hash stands in the log.
    """
    path = shelved(kept)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    assert await code_of(kept, 500) == "body_changed"


async def test_an_entry_that_the_log_has_otherwise_is_no_evidence(kept):
    """
    Whoever can write the index cannot pass another body off as this request's.
    """
    database = open_for_writing(kept.data_dir / "audit" / "index")
    database.execute(
        "UPDATE audit_entries SET entry = CAST(replace(entry, '\"status\":200', "
        "'\"status\":201') AS BLOB) WHERE type = 'outcome'"
    )
    database.close()

    assert await code_of(kept, 500) == "entry_unproven"


async def test_who_may_only_look_opens_no_body(running):
    """
    A viewer reads the log, and nobody's words.
    """
    secrets = {"VIEWER": "v" * 32}
    tokens = {"eve": {"secret": "env.VIEWER", "role": "viewer"}}
    async with running(TABLE, admin=tokens, environ=secrets) as audit:
        headers = {"Authorization": f"Bearer {secrets['VIEWER']}"}
        answer = await read(audit, "req_any", headers)

    assert answer.status == 403
