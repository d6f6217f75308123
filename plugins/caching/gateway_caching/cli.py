"""
The command ``cache``: what was saved, and letting entries go.
"""

from __future__ import annotations

import re
from typing import Any, Final

import click

from gateway.client import (
    Client,
    client_options,
    print_table,
    printable,
    write_json,
)
from gateway.clock import read_span

__all__ = ["cache"]

_SECONDS: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?")
_COLUMNS = (
    *("day", "hits", "similar", "verified", "disagreed", "joined", "missed"),
    *("tokens saved", "USD saved"),
)


def _age(
    context: click.Context, option: click.Parameter, value: str | None
) -> float | None:
    """
    Read ``1h``, or a bare number of seconds.
    """
    if value is None:
        return None
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        return read_span(value)
    except ValueError as exc:
        msg = f"{value}: {exc}, or as seconds"
        raise click.BadParameter(msg, context, option) from None


@click.group()
def cache() -> None:
    """
    Show what the cache saved, and let entries go.
    """


@cache.command()
@click.option("--days", type=click.IntRange(1, 400), default=30, help="How many days.")
@client_options
def stats(
    url: str, token: str | None, days: int, *, as_json: bool, quiet: bool
) -> None:
    """
    Show what the cache holds, and what it saved day by day.
    """
    document = Client(url, token).get("/api/cache/stats", {"days": days})
    if as_json:
        write_json(document)
        return
    if quiet:
        return
    store = document["store"]
    if store["is_down"]:
        click.echo(f"{store['kind']}: down")
    else:
        mib = store["bytes"] / (1 << 20)
        click.echo(f"{store['kind']}: {store['entries']} entries, {mib:.1f} MiB")
    print_table(_COLUMNS, map(_row, document["days"]))


def _row(day: dict[str, Any]) -> tuple[object, ...]:
    return (
        day["day"],
        day["hits"],
        day["similar"],
        day["verified"],
        day["disagreed"],
        day["joined"],
        day["missed"],
        day["saved_tokens"],
        f"{day['saved_usd']:.6f}",
    )


@cache.command()
@click.option("--id", "entry_id", help="The entry's x-gw-cache-id.")
@click.option("--key", help="Entries of one virtual key, by its name or id.")
@click.option("--team", help="Of one team, by its name or id.")
@click.option("--customer", help="Of one customer, by its name or id.")
@click.option("--model", help="Of one model, as callers ask for it.")
@click.option("--tag", help="With one tag.")
@click.option("--word", help="That callers told apart by this x-gw-cache-key.")
@click.option(
    "--older-than", "older_than_s", callback=_age, help="Older: 90s, 15m, 1h, 7d."
)
@click.option("--all", "is_all", is_flag=True, help="All there are.")
@client_options
def purge(
    url: str,
    token: str | None,
    *,
    entry_id: str | None,
    is_all: bool,
    as_json: bool,
    quiet: bool,
    **told: Any,
) -> None:
    """
    Let entries go that fit everything that is said.

    Exit 1 if there were none, and the name that is said is nobody's.
    """
    wanted = {name: value for name, value in told.items() if value is not None}
    if entry_id is not None:
        wanted["id"] = entry_id
    if not wanted and not is_all:
        raise click.UsageError("say which entries, or --all")
    document = Client(url, token).post("/api/cache/purge", wanted or {"all": True})
    is_nobody = bool(document["strangers"]) and not document["purged"]
    if as_json:
        write_json(document)
    elif not (quiet or is_nobody):
        click.echo(f"{document['purged']} entries are gone")
    if is_nobody:
        click.echo(f"error: {printable('; '.join(document['strangers']))}", err=True)
        raise SystemExit(1)
