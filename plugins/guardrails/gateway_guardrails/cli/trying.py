"""
The command ``guardrails test``: looks at one text.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, Final

import click

from gateway.client import (
    Client,
    json_option,
    print_table,
    quiet_option,
    token_option,
    write_json,
)
from gateway.offline import config_option, told
from gateway_guardrails.cli.local import Chosen, open_bench
from gateway_guardrails.cli.options import looking_options
from gateway_guardrails.trying import (
    MAX_CHARACTERS,
    Looked,
    look,
    looked_shape,
    place_at,
)

_EXCERPT: Final = 40


@click.command()
@click.argument("text")
@looking_options
@config_option
@click.option("--url", help="Ask the gateway there, rather than look here.")
@token_option
@click.option("--check", is_flag=True, help="Exit with 1 if something counts.")
@json_option
@quiet_option
def test(
    text: str,
    file: Path | None,
    url: str | None,
    token: str | None,
    stage: str,
    where: tuple[str | None, str | None],
    *,
    check: bool,
    as_json: bool,
    quiet: bool,
    **choice: Any,
) -> None:
    """
    Look at TEXT, or at the standard input where it is -.

    Looks here, with the rules of the settings file, with --detectors, or where there is neither
    with all local detectors; with --url at the gateway there, which keeps nothing of it.
    """
    if text == "-":
        text = sys.stdin.read(MAX_CHARACTERS + 1)
    if len(text) > MAX_CHARACTERS:
        raise click.UsageError(f"a text may have {MAX_CHARACTERS} characters")
    if url is None:
        with told():
            chosen = Chosen(file=file, **choice)
            looked = asyncio.run(_look(chosen, text, stage, where))
        document = looked_shape(looked)
    else:
        document = _ask(Client(url, token), text, stage, where, choice)
    if as_json:
        write_json(document)
    elif not quiet:
        _print(document, text)
    for failure in document["failures"]:
        line = f"{failure['guardrail']}: {failure['detector']} failed: {failure['why']}"
        click.echo(f"error: {line}", err=True)
    counting = any(each["counts"] for each in document["findings"])
    if document["failures"] or (check and (counting or document["blocked_by"])):
        raise SystemExit(1)


async def _look(
    chosen: Chosen, text: str, stage: Any, where: tuple[str | None, str | None]
) -> Looked:
    role, kind = where
    async with open_bench(chosen) as bench:
        return await look(bench.guardrails, text, place_at(stage, role, kind))


def _ask(
    client: Client,
    text: str,
    stage: str,
    where: tuple[str | None, str | None],
    choice: dict[str, Any],
) -> dict[str, Any]:
    if choice["severity"] or choice["threshold"] is not None:
        raise click.UsageError("--severity and --threshold are the rules' own there")
    role, kind = where
    body: dict[str, Any] = {"text": text, "stage": stage, "role": role, "kind": kind}
    if choice["detectors"]:
        body["detectors"] = list(choice["detectors"])
    if choice["rules"]:
        body["guardrails"] = list(choice["rules"])
    return client.post("/api/guardrails/test", body)


def _print(document: dict[str, Any], text: str) -> None:
    print_table(
        ("span", "type", "severity", "score", "counts", "detector", "rule", "text"),
        [
            (
                f"{found['span'][0]}-{found['span'][1]}",
                found["type"],
                found["severity"],
                found["score"],
                _counting(found),
                found["detector"],
                found["guardrail"],
                _excerpt(text, *found["span"]),
            )
            for found in document["findings"]
        ],
    )
    for name in document["blocked_by"]:
        click.echo(f"{name}: the service says no")


def _counting(found: dict[str, Any]) -> str:
    """
    Tell whether it counts; what the service only flags does nothing else.
    """
    if not found["counts"]:
        return "no"
    return "flagged" if found.get("flagged") else "yes"


def _excerpt(text: str, start: int, end: int) -> str:
    """
    Return what was found, which whoever asks has just said.
    """
    found = text[start:end]
    return found if len(found) <= _EXCERPT else f"{found[:_EXCERPT]}…"
