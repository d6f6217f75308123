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
        audit.recorder.note("many", number=number)
    await audit.sequenced()
    file = tmp_path / "audit.jsonl"

    said = await cli.run("export", str(file), "--type", "many")
    await audit.settled()

    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [each["entry"]["number"] for each in lines] == list(range(1100))
    assert said.startswith("1100 entries")
    assert [each["count"] for each in audit.entries("export")] == [1000]


async def test_erase_says_what_was_forgotten_and_what_cannot_be(running):
    """
    Nothing that was exported comes back.
    """
    async with running({"subject": "user"}) as audit:
        await audit.call(user="alice")
        said = await Cli(audit.client.url).run("erase", "--subject", "alice")
        again = await Cli(audit.client.url).run("erase", "--subject", "alice")

    assert "leads to nobody; bodies destroyed: 0" in said
    assert "alice" not in said
    assert "out of reach" in again
