"""
The command ``guardrails findings``: what was found.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import click

from gateway.client import (
    Client,
    ago,
    client_options,
    print_table,
    printable,
    write_json,
)

_PAGE: Final = 1_000


def _since(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """
    Read ``7d``, or leave a time as it is for the gateway to read.
    """
    with suppress(ValueError):
        return ago(value or "")
    return value


@click.command()
@click.option("--since", callback=_since, help="As 7d, or 2026-12-01T00:00:00Z.")
@click.option("--until", callback=_since, help="Likewise.")
@click.option("--guardrail", help="The rule.")
@click.option("--detector", help="Who found it.")
@click.option("--type", "type_", help="As EMAIL.")
@click.option("--severity", help="low, medium, high, critical.")
@click.option("--action", help="block, redact, flag.")
@click.option("--stage", type=click.Choice(("input", "output")), help="Where.")
@click.option("--request", "request_id", help="The request's id.")
@click.option("--key", help="The virtual key's name or id.")
@click.option("--team", help="The team's name or id.")
@click.option("--customer", help="The customer's name or id.")
@click.option(
    "--shadow/--no-shadow",
    default=None,
    help="Of rules in shadow alone, or of none of them.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=100,
    show_default=True,
    help="At most.",
)
@client_options
def findings(
    url: str,
    token: str | None,
    type_: str | None,
    limit: int,
    *,
    shadow: bool | None,
    as_json: bool,
    quiet: bool,
    **filters: Any,
) -> None:
    """
    List what guardrails found, the latest first; never the text.

    Exit 1 if there is none, and a name that is asked for is nobody's.
    """
    client = Client(url, token)
    query: dict[str, object] = {**filters, "type": type_}
    if shadow is not None:
        query["shadow"] = "true" if shadow else "false"
    found: list[dict[str, Any]] = []
    cursor, dropped, strangers = None, 0, ()
    while len(found) < limit:
        asked = {**query, "limit": min(_PAGE, limit - len(found)), "cursor": cursor}
        page = client.get("/api/guardrails/findings", asked)
        found += page["findings"]
        cursor, dropped = page["cursor"], page["dropped"]
        strangers = page["strangers"]
        if cursor is None:
            break
    is_nobody = bool(strangers) and not found
    if as_json:
        told = {"cursor": cursor, "dropped": dropped, "strangers": strangers}
        write_json({"findings": found, **told})
    elif not (quiet or is_nobody):
        _print(found)
    if dropped:
        click.echo(f"warning: {dropped} findings were dropped by this worker", err=True)
    if is_nobody:
        click.echo(f"error: {printable('; '.join(strangers))}", err=True)
        raise SystemExit(1)


def _print(found: list[dict[str, Any]]) -> None:
    head = "at rule detector type severity action stage key request".split()
    print_table(
        head,
        [
            (
                each["at"][:19].replace("T", " "),
                each["guardrail"],
                each["detector"],
                each["type"],
                each["severity"],
                each["action"] + (" (shadow)" if each["shadow"] else ""),
                each["stage"],
                each["key_id"],
                each["request_id"],
            )
            for each in found
        ],
    )
