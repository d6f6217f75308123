"""
The commands ``prices …``: what is charged, what has no price, and reading somebody's list.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import click

from gateway.catalog import write_catalog
from gateway.client import (
    Client,
    client_options,
    json_option,
    print_table,
    quiet_option,
    write_json,
)
from gateway.clock import SystemClock
from gateway_governance.cli.printing import everything

_SHOWN: Final = ("input", "cache_read", "output")


@click.group()
def prices() -> None:
    """
    Show prices, name models without one, import a list.
    """


@prices.command()
@click.argument("model", default="")
@click.option("--key", help="As one virtual key pays, by name or id.")
@client_options
def show(
    model: str,
    url: str,
    token: str | None,
    key: str | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """
    Show the prices of every target, or of those with MODEL in their name.
    """
    query: dict[str, object] = {"search": model, "virtual_key_id": key}
    found = everything(Client(url, token), "/prices", "prices", query)
    if as_json:
        write_json({"prices": found, "count": len(found)})
    elif not quiet:
        print_table(
            ("target", *_SHOWN, "from", "source", "more"),
            [_row(one) for one in found],
        )
        click.echo("USD per million tokens")


def _row(one: dict[str, Any]) -> list[object]:
    known = one["prices"] or {}
    more = [f"{name}={usd}" for name, usd in known.items() if name not in _SHOWN]
    return [
        f"{one['provider']}/{one['model']}",
        *(known.get(name) for name in _SHOWN),
        one.get("valid_from"),
        one["source"] or "none",
        " ".join(more[:4]) + (" …" if len(more) > 4 else ""),
    ]


@prices.command()
@client_options
def missing(url: str, token: str | None, *, as_json: bool, quiet: bool) -> None:
    """
    Name the targets that have no price; exit 1 if there are any.
    """
    query: dict[str, object] = {"missing": "true"}
    found = everything(Client(url, token), "/prices", "prices", query)
    if as_json:
        write_json({"prices": found, "count": len(found)})
    elif not quiet:
        for one in found:
            click.echo(f"{one['provider']}/{one['model']}")
        if not found:
            click.echo("every target has a price")
    if found:
        raise SystemExit(1)


@prices.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The price file to write, for price_files.",
)
@click.option(
    "--from",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Since when they hold; left out: today.",
)
@json_option
@quiet_option
def import_prices(
    file: Path, output: Path, day: datetime | None, *, as_json: bool, quiet: bool
) -> None:
    """
    Make a price file of FILE, which is like LiteLLM's model_prices_and_context_window.json.

    Works without a gateway.  Entries that are not taken are told, with the reason.
    """
    from gateway.catalog.litellm import MAX_BYTES, read_litellm

    since = _today() if day is None else day.date()
    try:
        with file.open("rb") as source:
            found = read_litellm(source.read(MAX_BYTES + 1), since)
        with output.open("x", encoding="utf-8") as target:
            target.write(write_catalog(found.facts))
    except FileExistsError:
        msg = f"{output} is there already: nothing was written"
        raise click.ClickException(msg) from None
    except OSError as exc:
        raise click.ClickException(f"{exc.filename}: {exc.strerror}") from None
    except ValueError as exc:
        raise click.ClickException(f"{file}: {exc}") from None
    if as_json:
        write_json(
            {
                "file": str(output),
                "taken": len(found.facts),
                "skipped": [_remark(one) for one in found.skipped],
                "notes": [_remark(one) for one in found.notes],
            }
        )
    elif not quiet:
        for one in found.skipped:
            click.echo(f"skipped {one.name}: {one.text}", err=True)
        for one in found.notes:
            click.echo(f"note {one.name}: {one.text}", err=True)
        click.echo(
            f"{output}: {len(found.facts)} models taken, {len(found.skipped)} skipped; "
            "name it under plugins.governance.price_files"
        )


def _remark(one: Any) -> dict[str, str]:
    return {"name": one.name, "text": one.text}


def _today() -> date:
    return datetime.fromtimestamp(SystemClock().now(), UTC).date()
