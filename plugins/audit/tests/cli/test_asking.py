"""
Tests of `gateway_audit.cli`: commands against a gateway that runs in the test's own loop.
"""

from __future__ import annotations

import asyncio
import errno
import json

import attrs
import pytest
from click.testing import CliRunner

from gateway import Phase, Plugin, hookimpl
from gateway.plugins import FoundPlugin
from gateway_audit.cli import commands
from gateway_audit.sequencing.status import read_status, write_status


class Cli:
    """
    Runs commands beside the loop in which the gateway runs.
    """

    def __init__(self, url):
        self._runner = CliRunner(env={"GATEWRIGHT_URL": url, "GATEWRIGHT_TOKEN": None})

    async def run(self, *words, code=0):
        (command,) = commands()
        told = await asyncio.to_thread(self._runner.invoke, command, words)
        assert told.exit_code == code, told.output
        return told.output


@pytest.fixture(name="cli")
def _cli(audit):
    return Cli(audit.client.url)


async def test_tail_shows_the_latest_the_oldest_first(audit, cli):
    """
    A line each, with what an operator looks for.
    """
    request_id = (await audit.call()).headers["x-gw-request-id"]
    await audit.sequenced()

    lines = (await cli.run("tail", "--request", request_id)).splitlines()
    (outcome,) = (await cli.run("tail", "--type", "outcome", "--json")).splitlines()

    assert [line.split()[2] for line in lines] == ["intent", "outcome"]
    assert "openai/gpt-5" in lines[1]
    assert json.loads(outcome)["entry"]["request"] == request_id


async def test_tail_takes_how_long_ago(audit, cli):
    """
    As well as an instant, and says so to whoever writes neither.
    """
    await audit.call()
    await audit.sequenced()

    lately = await cli.run("tail", "--since", "1h", "--type", "outcome")
    before = await cli.run("tail", "--until", "7d", "--type", "outcome")
    instant = await cli.run("tail", "--since", "2020-01-01", "--type", "outcome")
    wrong = await cli.run("tail", "--since", "yesterday", code=2)

    assert lately == instant
    assert len(lately.splitlines()) == 1
    assert before == ""
    assert "or how long ago: 90s, 15m, 1h, 7d" in wrong


async def test_a_type_that_there_is_not_is_an_error(cli):
    """
    Silence would say that nothing of it happened; plugins name their own.
    """
    wrong = await cli.run("tail", "--type", "nonsense", code=1)
    others = await cli.run("tail", "--type", "event.whatever")

    assert "type: there are admin.acted, auth.denied," in wrong
    assert "turned_away, and plugins' event.…" in wrong
    assert others == ""


async def test_status_is_an_exit_code(audit, cli):
    """
    One if the audit is not well: here no sequencer has run yet.
    """
    ill = await cli.run("status", code=1)
    await audit.call()
    await audit.sequenced()
    well = await cli.run("status")

    assert "no sequencer has run yet" in ill
    assert well.startswith("audit well  level intent  on failure closed")


def break_register(audit, monkeypatch):
    """
    Let the file of persons be one that cannot be written.
    """
    audit.recorder.register._database.execute("PRAGMA query_only = ON")


def break_bodies(audit, monkeypatch):
    """
    Let the disk be full for whatever is as large as a body.
    """

    def is_full(*_, **__):
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(audit.recorder.keeping.shelf, "put", is_full)
    monkeypatch.setattr(audit.recorder.keeping.shelf, "have_room", is_full)


def break_sink(audit, monkeypatch):
    """
    Let a sink have failed for an hour.
    """
    told = {"lag_s": 3600.0, "lag_entries": 9, "problem": "it answered 503"}
    rewrite(audit, companions={"sinks": {"siem": told}})


def break_witness(audit, monkeypatch):
    """
    Let a witness have failed for an hour.
    """
    told = {"size": 0, "problem": "it cannot be reached", "failing_s": 3600.0}
    rewrite(audit, witnesses={"https://w.test": told})


def rewrite(audit, **members):
    """
    Let the sequencer say something else.
    """
    root, now = audit.recorder.places.root, audit.gateway.clock.now()
    write_status(root, attrs.evolve(read_status(root, now), at=now, **members))


@pytest.mark.parametrize(
    ("breaks", "said"),
    [
        (break_register, "problem: the register of persons fails: attempt to write"),
        (break_bodies, "problem: bodies cannot be stored"),
        (break_sink, "problem: sink siem is 9 entries, 3600 s behind: it answered"),
        (break_witness, "problem: witness https://w.test has cosigned nothing"),
    ],
    ids=["register", "bodies", "sink", "witness"],
)
async def test_status_is_not_well_while_something_fails(
    running, monkeypatch, breaks, said
):
    """
    Nobody has to call first for it to be found, and it is named; the exit code says so too.
    """
    async with running({"bodies": "full"}) as audit:
        await audit.call()
        await audit.sequenced()
        cli = Cli(audit.client.url)
        well = await cli.run("status")
        breaks(audit, monkeypatch)
        ill = await cli.run("status", code=1)

    assert "problem" not in well
    assert "audit not well" in ill
    assert said in ill


async def test_export_writes_all_there_is(audit, cli, tmp_path):
    """
    Page by page, a line each; more than a glance is an entry of its own.
    """
    for number in range(1100):
        audit.recorder.note("event.many", number=number)
    await audit.sequenced()
    file = tmp_path / "audit.jsonl"

    said = await cli.run("export", str(file), "--type", "event.many")
    await audit.settled()

    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [each["entry"]["number"] for each in lines] == list(range(1100))
    assert said.startswith("1100 entries")
    assert [each["count"] for each in audit.entries("export")] == [1000]


async def test_export_names_a_file_that_cannot_be_written(cli):
    """
    In one line.
    """
    said = await cli.run("export", "/nodir/x", code=2)

    assert said.startswith("error: /nodir/x cannot be used: No such file")


async def test_erase_says_what_was_forgotten_and_what_cannot_be(running):
    """
    Nothing that was exported comes back.
    """
    async with running({"subject": "user"}) as audit:
        await audit.call(user="alice")
        said = await Cli(audit.client.url).run("erase", "--subject", "alice")

    assert "leads to nobody; bodies destroyed: 0" in said
    assert "alice" not in said
    assert "out of reach" in said


async def test_erasing_nobody_is_no_success(running):
    """
    Neither the command nor the log says that somebody was forgotten.
    """
    async with running({"subject": "user"}) as audit:
        said = await Cli(audit.client.url).run("erase", "--subject", "bob", code=1)
        (erasure,) = audit.entries("erasure")

    assert "nobody is known by this name" in said
    assert (erasure["known"], erasure["subject"]) == (False, None)


class Knows(Plugin):
    """
    Knows a person that the audit does not.
    """

    phase = Phase.ANSWER

    @hookimpl
    async def erase_subject(self, subject):
        return "2 notes forgotten"


async def test_somebody_whom_a_plugin_knows_is_forgotten(running):
    """
    The audit asks everybody, and tells what was said.
    """
    plugins = [FoundPlugin(name="knows", cls=Knows)]
    async with running({"subject": "user"}, plugins=plugins) as audit:
        said = await Cli(audit.client.url).run("erase", "--subject", "bob")
        (erasure,) = audit.entries("erasure")

    assert "knows: 2 notes forgotten" in said
    assert (erasure["known"], erasure["subject"]) == (True, None)


@pytest.mark.parametrize("subject", ["user", "key"])
@pytest.mark.parametrize("hold", ["1", "2020-01-31"], ids=["index", "day"])
async def test_what_a_legal_hold_covers_is_not_erased_unawares(running, subject, hold):
    """
    The command says what is held; with a reason it erases, and the entry has the reason.
    """
    table = {"bodies": "full", "subject": subject, "keep": {"legal_hold": hold}}
    async with running(table) as audit:
        for _ in range(3):
            await audit.call(user="alice")
        await audit.sequenced()
        folder = audit.data_dir / "audit/bodies"
        person = "alice" if subject == "user" else "nobody"
        cli = Cli(audit.client.url)
        refused = await cli.run("erase", "--subject", person, code=1)
        left = len(list(folder.rglob("*.body")))
        unsaid = not audit.entries("erasure")
        words = ("--despite-hold", f"court order 7, {person}")
        said = await cli.run("erase", "--subject", person, *words)
        (erasure,) = audit.entries("erasure")

    assert "bodies: 3" in refused
    assert "--despite-hold" in refused
    assert (left, unsaid) == (3, True)
    assert "bodies destroyed: 3" in said
    assert erasure["despite_hold"] == "court order 7, [erased]"
    assert "bodies: 3" in erasure["held"]


@pytest.mark.parametrize("hold", ["5000", "2999-12-31"], ids=["index", "day"])
async def test_what_is_older_than_the_hold_is_erased(running, hold):
    """
    A hold covers what is behind it, and nothing else.
    """
    table = {"bodies": "full", "subject": "user", "keep": {"legal_hold": hold}}
    async with running(table) as audit:
        await audit.call(user="alice")
        await audit.sequenced()
        said = await Cli(audit.client.url).run("erase", "--subject", "alice")
        (erasure,) = audit.entries("erasure")

    assert "bodies destroyed: 1" in said
    assert (erasure["held"], erasure["despite_hold"]) == (None, None)


async def test_what_was_archived_is_held_as_well(running):
    """
    Its entry tells of it, though its bytes are elsewhere.
    """
    table = {"bodies": "full", "subject": "user", "keep": {"legal_hold": "0"}}
    async with running(table) as audit:
        await audit.call(user="alice")
        await audit.sequenced()
        (body,) = (audit.data_dir / "audit/bodies").rglob("*.body")
        body.unlink()
        said = await Cli(audit.client.url).run("erase", "--subject", "alice", code=1)

    assert "entries: 2, bodies: 0" in said


async def test_body_shows_what_was_asked_and_answered(running):
    """
    To whoever may; what is not kept is said, with 1.
    """
    async with running({"bodies": "full", "subject": "user"}) as audit:
        answer = await audit.call(user="alice")
        await audit.sequenced()
        request_id = answer.headers["x-gw-request-id"]
        cli = Cli(audit.client.url)
        said = await cli.run("body", request_id)
        told = json.loads(await cli.run("body", request_id, "--json"))
        unknown = await cli.run("body", "req_unknown", code=1)

    assert '"content":"hello"' in said.split("--- request\n")[1]
    assert "--- response" in said
    assert told["response"].encode() == answer.body
    assert "knows no finished request" in unknown


async def test_body_shows_what_a_change_of_the_settings_changed(running):
    """
    By the index of its entry: a line each path; there is one way to say which body.
    """
    table = {"bodies": {"settings": "redacted"}}
    async with running(table, routing={"retries": 3}) as audit:
        others = audit.gateway.settings
    async with running(table) as audit:
        await audit.gateway.tasks.join(10)
        await audit.gateway.reload(others, "ann")
        await audit.recorder.settle()
        await audit.sequenced()
        cli = Cli(audit.client.url)
        (line,) = (
            await cli.run("tail", "--type", "settings.changed", "-n", "1")
        ).splitlines()
        index = line.split()[0]
        said = await cli.run("body", "--entry", index)
        absent = await cli.run("body", "--entry", "4711", code=1)
        both = await cli.run("body", "req_x", "--entry", index, code=2)

    assert "routing.retries: 0 -> 3" in said
    assert f"settings  entry {index}  redacted  about sub_" in said
    assert "no entry 4711" in absent
    assert "REQUEST_ID, or --entry INDEX" in both


async def test_the_gateways_own_status_warns_as_well(audit):
    """
    Of a disk that is nearly full, and of what is wrong with the log.
    """
    ill = audit.gateway.warnings()
    await audit.call()
    await audit.sequenced()
    audit.recorder.figures._read_at = None
    well = audit.gateway.warnings()
    audit.journal._spool._change(is_nearly_full=True)
    full = audit.gateway.warnings()

    assert ill == ["audit: no sequencer has run yet: the spool grows"]
    assert well == []
    assert full == ["audit: the disk is nearly full"]
