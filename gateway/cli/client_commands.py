"""
Commands that ask a running gateway: ``status``, ``reload``.
"""

from __future__ import annotations

import math
from typing import Any

import click

from gateway.client import (
    Client,
    client_options,
    printable,
    write_json,
)


@click.command()
@client_options
def status(url: str, token: str | None, *, as_json: bool, quiet: bool) -> None:
    """
    Ask a running gateway how it is; exit 1 if it is not ready.
    """
    document = Client(url, token).get("/api/status")
    if as_json:
        write_json(document)
    elif not quiet:
        for line in status_lines(document):
            click.echo(line)
    if document.get("state") != "ready":
        if quiet:
            click.echo(f"error: the gateway is {document.get('state')}", err=True)
        raise SystemExit(1)


def status_lines(document: dict[str, Any]) -> list[str]:
    """
    Render what ``/api/status`` says for people.
    """
    source = document.get("source") or "no file"
    head = (
        f"Gatewright {document.get('version')}",
        str(document.get("state")),
        f"settings {_short(document.get('settings'))} ({source})",
        f"up {_span(document.get('uptime_s'))}",
        f"in flight {document.get('in_flight')}",
    )
    lines = ["  ".join(head)]
    if not document.get("authenticates_callers"):
        lines.append("  callers need no credential: this machine only")
    lines.extend(_worker_line(worker) for worker in document.get("workers", ()))
    lines.extend(
        f"  process {one.get('name')}  pid {one.get('pid')}"
        for one in document.get("processes", ())
    )
    lines.extend(_place_line(place) for place in document.get("cooling", ()))
    lines.extend(
        printable(f"  warning: {each}") for each in document.get("warnings", ())
    )
    return lines


def _place_line(place: dict[str, Any]) -> str:
    words = [f"  provider {place.get('provider')}"]
    words += [f"{name} {place[name]}" for name in ("key", "model") if place.get(name)]
    words += [
        f"cooling down {math.ceil(place.get('left_s') or 0)} s",
        str(place.get("why")),
        f"worker {place.get('worker', 0)}",
    ]
    if place.get("party"):
        words.append(f"for {place['party']} alone")
    return printable("  ".join(words))


def _worker_line(worker: dict[str, Any]) -> str:
    return "  ".join(
        (
            f"  worker {worker.get('index')}",
            f"pid {worker.get('pid')}",
            str(worker.get("state")),
            f"settings {_short(worker.get('settings'))}",
            f"up {_span(worker.get('uptime_s'))}",
            f"in flight {worker.get('in_flight')}",
        )
    )


def _short(digest: Any) -> str:
    return str(digest or "unknown")[:12]


def _span(seconds: Any) -> str:
    if not isinstance(seconds, int | float):
        return "unknown"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


@click.command()
@client_options
def reload(url: str, token: str | None, *, as_json: bool, quiet: bool) -> None:
    """
    Let a running gateway read its settings again; a bad file changes nothing.
    """
    document = Client(url, token).post("/api/reload", {})
    if as_json:
        write_json(document)
    elif not quiet:
        for line in reload_lines(document):
            click.echo(line)
    if document.get("differing"):
        raise SystemExit(1)


def reload_lines(document: dict[str, Any]) -> list[str]:
    """
    Render what ``/api/reload`` says for people.
    """
    before, after = _short(document.get("before")), _short(document.get("after"))
    lines = [f"settings {before} -> {after}"]
    lines += [f"  {path}" for path in document.get("changed", ())]
    if before == after and not document.get("changed"):
        lines = [f"no difference, settings {after}"]
    lines += [
        f"  {path}: takes effect at the next start"
        for path in document.get("needs_restart", ())
    ]
    lines += [
        f"  worker {one.get('worker')} differs: {one.get('why')}"
        for one in document.get("differing", ())
    ]
    return lines
