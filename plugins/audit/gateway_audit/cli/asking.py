"""
The commands that ask a running gateway: ``tail``, ``status``, ``export``, ``body``, ``erase``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from gateway import codec
from gateway.client import (
    Client,
    client_options,
    printable,
    step,
    write_json,
)
from gateway.clock import utc_text
from gateway_audit.cli.judging import judged
from gateway_audit.cli.moments import moment
from gateway_audit.cli.standing import retention_lines, sink_lines, witness_lines

F = TypeVar("F", bound=Callable[..., Any])

_PAGE: Final = 1000
_FILTERS: Final = (
    *(
        (f"--{name}", name, None, f"Only of this {name}.")
        for name in ("type", "key", "team", "model", "outcome", "code", "request")
    ),
    ("--since", "since", moment, "Only from this time on: an instant, or 1h for ago."),
    ("--until", "until", moment, "Only before this time, likewise: 30s, 15m, 1h, 7d."),
)


@click.group()
def audit() -> None:
    """
    Look into the audit log, download it, have a person forgotten.
    """


def _filters(command: F) -> F:
    for option, name, read, told in reversed(_FILTERS):
        command = click.option(option, name, callback=read, help=told)(command)
    return command


@audit.command()
@_filters
@click.option("-n", "--lines", type=click.IntRange(1, _PAGE), default=20)
@click.option("-f", "--follow", is_flag=True, help="Go on as the log grows.")
@client_options
def tail(
    url: str,
    token: str | None,
    lines: int,
    *,
    follow: bool,
    as_json: bool,
    quiet: bool,
    **filters: str | None,
) -> None:
    """
    Show the latest entries, the oldest of them first.
    """
    client = Client(url, token)
    page = client.get("/api/audit", {**filters, "limit": lines})["entries"]
    _show(page[::-1], as_json=as_json)
    last = page[0]["index"] if page else 0
    while follow:
        time.sleep(1.0)
        query = {**filters, "after": last, "limit": _PAGE}
        page = client.get("/api/audit", query)["entries"]
        _show(page, as_json=as_json)
        last = page[-1]["index"] if page else last


def _show(entries: list[dict[str, Any]], *, as_json: bool) -> None:
    for each in entries:
        if as_json:
            write_json(each)
        else:
            click.echo(entry_line(each["index"], each["entry"]))


def entry_line(index: int, entry: dict[str, Any]) -> str:
    """
    Render one entry for people.
    """
    parts = [f"{index:>8}", utc_text(entry["at"] / 1000), entry["type"]]
    parts += [
        str(entry[name])
        for name in ("status", "code", "request", "model", "target", "actor", "action")
        if entry.get(name) is not None
    ]
    if entry.get("key"):
        parts.append(f"key {entry.get('key_name') or entry['key']}")
    if entry.get("cost_nano") is not None:
        parts.append(f"${entry['cost_nano'] / 1e9:.6f}")
    return printable("  ".join(parts))


@audit.command()
@client_options
def status(url: str, token: str | None, *, as_json: bool, quiet: bool) -> None:
    """
    Say how the audit is; exit 1 if it is not well.
    """
    document = Client(url, token).get("/api/audit/status")
    if as_json:
        write_json(document)
    elif not quiet:
        for line in status_lines(document):
            click.echo(line)
    if not document["is_healthy"]:
        raise SystemExit(1)


def status_lines(document: dict[str, Any]) -> list[str]:
    """
    Render what ``/api/audit/status`` says.
    """
    worker, log = document["worker"], document["log"] or {}
    said = "well" if document["is_healthy"] else "not well"
    return [
        f"audit {said}  level {document['level']}  on failure {document['on_failure']}",
        f"  log {log.get('size', 0)} entries, {log.get('signed_size', 0)} signed",
        f"  index {document['indexed']} entries  spool {document['spool_bytes']} bytes",
        f"  origin {log.get('origin') or 'none yet'}  key {log.get('vkey') or 'none'}",
        f"  worker {worker['name']}  lost {worker['lost']}  spilled {worker['spilled']}",
        *retention_lines(document.get("retention") or {}),
        *sink_lines(document.get("sinks") or {}),
        *witness_lines(document["witnesses"]),
        *(f"  problem: {each}" for each in document["problems"]),
        *(f"  warning: {each}" for each in document["warnings"]),
    ]


@audit.command()
@_filters
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@client_options
def export(
    url: str,
    token: str | None,
    file: Path,
    *,
    as_json: bool,
    quiet: bool,
    **filters: str | None,
) -> None:
    """
    Write entries into FILE, a line of JSON each, the oldest first.
    """
    client, count, after = Client(url, token), 0, None
    with judged(), file.open("wb") as out:
        while True:
            page = _page(client, filters, after)
            for each in page:
                out.write(codec.dumps(each) + b"\n")
            count += len(page)
            if len(page) < _PAGE:
                break
            after = page[-1]["index"]
    if as_json:
        write_json({"entries": count, "file": str(file)})
    elif not quiet:
        click.echo(f"{count} entries written to {file}")


def _page(
    client: Client, filters: dict[str, str | None], after: int | None
) -> list[dict[str, Any]]:
    query = {**filters, "limit": _PAGE, "after": -1 if after is None else after}
    found: list[dict[str, Any]] = client.get("/api/audit", query)["entries"]
    return found


@audit.command()
@click.argument("request_id", required=False)
@click.option(
    "--entry",
    type=click.IntRange(0, 10**18 - 1),
    metavar="INDEX",
    help="Of the entry of this index: a request's outcome, or a change of the settings.",
)
@client_options
def body(
    url: str,
    token: str | None,
    request_id: str | None,
    entry: int | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """
    Open what was kept of a request: what was asked and answered.

    With --entry, of any entry: of settings.changed it is what stood at each path, and what does.
    Needs an admin's token.  That you read it becomes an entry of the log.
    """
    if (request_id is None) == (entry is None):
        raise click.UsageError("name a REQUEST_ID, or --entry INDEX")
    path = (
        f"entries/{entry}/body" if request_id is None else f"bodies/{step(request_id)}"
    )
    told = Client(url, token).post(f"/api/audit/{path}", {})
    if as_json:
        write_json(told)
        return
    if not quiet:
        of = told["request_id"] or "settings"
        click.echo(
            f"{of}  entry {told['index']}  {told['kept']}  about {told['subject']}"
        )
    for each in told["withheld"]:
        click.echo(printable(f"withheld: {each}"), err=True)
    for line in body_lines(told):
        click.echo(printable(line))


def body_lines(told: dict[str, Any]) -> Iterator[str]:
    """
    Render what was kept of a request, or of a change of the settings.
    """
    for name in ("request", "response"):
        if told.get(name) is not None:
            yield f"--- {name}"
            yield from told[name].splitlines()
    for path, change in told.get("settings", {}).items():
        before, after = (_json(change[name]) for name in ("before", "after"))
        yield f"{path}: {before} -> {after}"


def _json(value: Any) -> str:
    return codec.dumps(value).decode()


@audit.command()
@click.option("--subject", required=True, help="The person, as callers name it.")
@click.option(
    "--despite-hold",
    metavar="REASON",
    help="Erase what a legal hold covers, too; the reason is written down.",
)
@client_options
def erase(
    url: str,
    token: str | None,
    subject: str,
    despite_hold: str | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """
    Have a person forgotten: pseudonym, keys, bodies, and what other plugins know.

    Exit 1 if a legal hold is in the way, or nobody is known by this name.
    """
    asked = {"subject": subject}
    if despite_hold is not None:
        asked["despite_hold"] = despite_hold
    told = Client(url, token).post("/api/audit/erase", asked)
    if as_json:
        write_json(told)
    elif told["known"] and not quiet:
        for name, text in told["reports"].items():
            click.echo(f"{name}: {text}")
        click.echo(told["note"])
    if not told["known"]:
        click.echo("error: nobody is known by this name, or not any more", err=True)
        raise SystemExit(1)
