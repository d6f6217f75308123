"""
Tests of `gateway_audit.api`.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib

import pytest

from gateway import Phase, Plugin, codec, hookimpl
from gateway.plugins import FoundPlugin


async def test_entries_are_found_by_what_they_say(audit):
    """
    By type and request; the latest first, with where the next page begins.
    """
    first = (await audit.call()).headers["x-gw-request-id"]
    await audit.call(model="nobody/has-this")
    await audit.sequenced()

    outcomes = (await audit.get(type="outcome")).json["entries"]
    mine = (await audit.get(request=first)).json["entries"]
    refused = (await audit.get(code="model_not_found", outcome="refused")).json
    page = (await audit.get(limit=1)).json

    assert [each["entry"]["status"] for each in outcomes] == [404, 200]
    assert [each["entry"]["type"] for each in mine] == ["outcome", "intent"]
    assert len(refused["entries"]) == 1
    assert page["next"] == page["entries"][0]["index"]
    assert (await audit.get(since="2020-01-01", until="2020-01-02")).json[
        "next"
    ] is None


@pytest.mark.parametrize(
    "query",
    [
        {"colour": "blue"},
        {"limit": "0"},
        {"limit": "x"},
        {"since": "yesterday"},
        {"format": "xml"},
        {"type": "nonsense"},
        {"type": "event."},
        {"before": "1", "after": "2"},
    ],
    ids=str,
)
async def test_a_wrong_query_is_refused_by_name(audit, query):
    """
    What is wrong is said, and nothing is searched.
    """
    answer = await audit.get(status=400, **query)

    assert answer.json["error"]["code"] == "invalid_query"
    assert next(iter(query)) in answer.json["error"]["message"]


async def test_a_download_has_the_logs_own_bytes_and_is_an_entry(audit):
    """
    Each line has the leaf hash of its entry, and the log says who took how much.
    """
    await audit.call()
    await audit.sequenced()

    answer = await audit.get(format="jsonl", type="outcome")
    await audit.settled()

    (line,) = answer.body.splitlines()
    told = codec.loads(line)
    raw = line[line.index(b'"entry":') + 8 : -1]
    assert hashlib.sha256(b"\x00" + raw).hexdigest() == told["leaf_hash"]
    (export,) = audit.entries("export")
    assert (export["count"], export["format"]) == (1, "jsonl")
    assert export["actor"] == "local"
    assert export["filters"] == {"format": "jsonl", "type": "outcome"}


async def test_whoever_reads_leaves_a_trace(audit):
    """
    The first page is told at once; many small ones, and tiles, are counted and told together.
    """
    await audit.call()
    await audit.sequenced()
    folder = audit.data_dir / "audit" / "log"
    size = (folder / "checkpoint").read_bytes().split(b"\n")[1].decode()

    await audit.get(limit=1)
    await audit.settled()
    at_once = audit.entries("read")
    for _ in range(200):
        await audit.get(limit=2)
    for path in (f"0/000.p/{size}", f"entries/000.p/{size}"):
        await audit.get(f"/tile/{path}")
    await audit.get("/tile/0/999", status=404)
    await audit.settled()
    meanwhile = audit.entries("read")
    audit.plugin.readers.tell()
    await audit.settled()
    _, later = audit.entries("read")

    (first,) = at_once
    assert meanwhile == at_once
    assert (first["actor"], first["pages"], first["entries"]) == ("local", 1, 1)
    assert (later["pages"], later["entries"], later["tiles"]) == (200, 400, 2)


async def test_what_was_read_is_told_when_the_gateway_ends(running):
    """
    No minute has to pass first.
    """
    async with running() as audit:
        await audit.get()
        await audit.get()

    assert [each["pages"] for each in audit.entries("read")] == [1, 1]


async def test_readers_are_told_of_once_a_minute(audit, monkeypatch):
    """
    Whoever reads on is told of again and again; nobody, where nothing is read.
    """
    monkeypatch.setattr("gateway_audit.api.readers.COUNTED_S", 0.05)
    await audit.get()
    await audit.get()
    await asyncio.sleep(0.3)
    await audit.settled()

    assert [each["pages"] for each in audit.entries("read")] == [1, 1]


async def test_a_table_has_no_formulas(audit):
    """
    A spreadsheet that opens it runs nothing.
    """
    audit.recorder.note("event.odd", actor="=cmd()", model="+1")
    await audit.sequenced()

    answer = await audit.get(format="csv", type="event.odd")

    head, row = csv.reader(answer.body.decode().splitlines())
    told = dict(zip(head, row, strict=True))
    assert (told["actor"], told["model"]) == ("'=cmd()", "'+1")
    assert answer.headers["content-type"].startswith("text/csv")


async def test_the_logs_own_files_are_served(audit):
    """
    The checkpoint and the tiles, byte for byte, and nothing beside them.
    """
    await audit.call()
    await audit.sequenced()
    folder = audit.data_dir / "audit" / "log"

    checkpoint = await audit.get("/checkpoint")
    size = int(checkpoint.body.split(b"\n")[1])
    tile = await audit.get(f"/tile/0/000.p/{size}")
    bundle = await audit.get(f"/tile/entries/000.p/{size}")

    assert checkpoint.body == (folder / "checkpoint").read_bytes()
    assert len(tile.body) == 32 * size
    assert b'"type":"outcome"' in bundle.body
    for path in ("9/000", "entries/../../keys", "0/000.p/999", "entries/x00/000"):
        answer = await audit.client.ask("GET", f"/api/audit/tile/{path}")
        assert answer.status in {400, 404}


async def test_status_says_how_the_audit_is(disk, audit):
    """
    Well with a sequencer at work, and not while the disk fails.
    """
    before = (await audit.get("/status")).json
    await audit.call()
    await audit.sequenced()
    well = (await audit.get("/status")).json
    disk.is_broken = True
    await audit.call()
    ill = (await audit.get("/status")).json

    assert before["log"] is None
    assert well["is_healthy"] is True
    assert well["indexed"] == well["log"]["size"] > 0
    assert (ill["is_healthy"], ill["worker"]["is_failing"]) == (False, True)


async def test_a_request_is_explained_from_the_log(running):
    """
    After a restart nobody remembers it, and its decision path is there all the same; that it was
    read there is an entry, as with any page.
    """
    async with running() as audit:
        request_id = (await audit.call()).headers["x-gw-request-id"]
        remembered = await audit.client.ask("GET", f"/api/explain/{request_id}")
        await audit.sequenced()
    async with running() as audit:
        recalled = await audit.client.ask("GET", f"/api/explain/{request_id}")
        unknown = await audit.client.ask("GET", "/api/explain/req_unknown")
        await audit.settled()
        (read,) = audit.entries("read")

    assert (read["actor"], read["pages"], read["entries"]) == ("local", 1, 1)
    assert "nor in what is kept by audit" in unknown.json["error"]["message"]
    assert recalled.status == 200
    assert unknown.status == 404
    before, after = remembered.json, recalled.json
    assert before.keys() <= after.keys()
    assert {**after, "at": 0, "trail": 0, "duration_ms": 0, "audit_index": 0} == {
        **before,
        "at": 0,
        "trail": 0,
        "duration_ms": 0,
        "audit_index": 0,
    }
    said = [(line["plugin"], line["hook"]) for line in before["trail"]]
    assert [(line["plugin"], line["hook"]) for line in after["trail"]] == said[:-1]


class Cannot(Plugin):
    """
    Knows a person, and cannot forget.
    """

    phase = Phase.ANSWER

    @hookimpl
    async def erase_subject(self, subject):
        raise OSError(subject)


async def test_an_erasure_that_is_not_complete_says_so(running):
    """
    The operator hears of it, the log says so, and neither names the person.
    """
    plugins = [FoundPlugin(name="cannot", cls=Cannot)]
    async with running({"subject": "user"}, plugins=plugins) as audit:
        await audit.call(user="alice-canary")
        answer = await audit.client.post(
            "/api/audit/erase", {"subject": "alice-canary"}
        )
        await audit.settled()
        (erasure,) = audit.entries("erasure")

    assert answer.status == 500
    assert answer.json["error"]["code"] == "erasure_incomplete"
    assert erasure["complete"] is False
    assert "alice" not in f"{erasure}{answer.body}"


@pytest.mark.parametrize(
    "document", [{}, {"subject": ""}, {"subject": 1}, {"subject": "x", "y": 1}, []]
)
async def test_an_erasure_names_one_person(audit, document):
    """
    Anything else is refused.
    """
    answer = await audit.client.ask("POST", "/api/audit/erase", document)

    assert answer.status == 400


ROUTES = [
    ("GET", "/api/audit", 200),
    ("GET", "/api/audit/status", 200),
    ("GET", "/api/audit/checkpoint", 404),
    ("GET", "/api/audit/keys", 404),
    ("GET", "/api/audit/tile/0/000", 404),
    ("POST", "/api/audit/erase", 403),
    ("POST", "/api/audit/bodies/req_unknown", 403),
    ("POST", "/api/audit/entries/4711/body", 403),
]


async def test_every_route_asks_for_its_permission(running):
    """
    Nobody without a token comes in; who may only read can read everything and erase nobody.
    """
    secrets = {"ADMIN": "admin-token-of-the-test-0123456789", "VIEWER": "v" * 32}
    tokens = {
        "root": {"secret": "env.ADMIN", "role": "admin"},
        "eve": {"secret": "env.VIEWER", "role": "viewer"},
    }
    async with running(admin=tokens, environ=secrets) as audit:
        registered = list(audit.plugin.register_routes())
        found = []
        for method, path, _ in ROUTES:
            body = {"subject": "x"} if method == "POST" else None
            bearers = ("", secrets["VIEWER"], secrets["ADMIN"])
            headers = [{"Authorization": f"Bearer {each}"} for each in bearers]
            asked = [
                (await audit.client.ask(method, path, body, each)).status
                for each in headers
            ]
            found.append(asked)

    assert len(registered) == len(ROUTES) - 1  # the checkpoint and the keys are one
    assert [each[0] for each in found] == [401] * len(ROUTES)
    assert [each[1] for each in found] == [status for *_, status in ROUTES]
    assert [each[2] for each in found] == [200, 200, 404, 404, 404, 200, 404, 404]


async def test_a_line_of_a_download_stays_one_line(audit):
    """
    What somebody named with line ends and quotes adds no line and no cell.
    """
    odd = 'x\r\n"=1+1",\u2028\x00\x1b[31m'
    audit.recorder.note("event.odd", actor=odd, model="\n=cmd()")
    await audit.sequenced()

    lines = (await audit.get(format="jsonl", type="event.odd")).body.splitlines()
    table = (await audit.get(format="csv", type="event.odd")).body.decode()

    rows = list(csv.reader(table.splitlines(keepends=True)))
    assert len(lines) == 1
    assert codec.loads(lines[0])["entry"]["actor"] == odd
    assert len(rows) == 2
    assert len({len(row) for row in rows}) == 1
    told = dict(zip(*rows, strict=True))
    assert told["model"].startswith("'")
    assert told["actor"].isprintable()
