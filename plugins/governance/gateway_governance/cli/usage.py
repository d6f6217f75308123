"""
The command ``usage``: who used what.
"""

from __future__ import annotations

from typing import Any, Final

import click

from gateway.client import (
    Client,
    ago,
    client_options,
    print_table,
    write_json,
)
from gateway.clock import utc_text
from gateway_governance.cli.printing import ROOT, usd_text
from gateway_governance.cli.words import Word
from gateway_governance.owners import Moment

_GROUPS: Final = ("total", "key", "team", "customer", "model", "provider", "run", "day")


def read_since(text: str) -> str:
    """
    Read ``7d``, or the first moment of a day, as the API's time.

    Raises:
        ValueError: it is none.
    """
    if "-" not in text:
        return ago(text)
    # `Moment` takes a day for its end.
    day = 86_400 if len(text) == len("2026-12-31") else 0
    return utc_text(Moment.parse(text).at - day)


SINCE: Final = Word("span or day", read_since)


@click.command()
@click.option("--by", type=click.Choice(_GROUPS), default="total", help="Added up by.")
@click.option("--since", type=SINCE, default="30d", help="As 7d, or 2026-12-01.")
@click.option("--until", type=SINCE, help="Likewise; left out: now.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, help="At most.")
@client_options
def usage(
    url: str,
    token: str | None,
    by: str,
    since: str,
    until: str | None,
    limit: int,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """
    Add up what was used, the dearest first.
    """
    query = {
        "by": by,
        "since": since,
        "until": until,
        "limit": limit,
        "order": "group" if by == "day" else "cost",
    }
    document = Client(url, token).get(f"{ROOT}/usage", query)
    if as_json:
        write_json(document)
    elif not quiet:
        head = (by, "attempts", "input", "cached", "output", "estimated", "USD")
        print_table(head, [_row(by, each) for each in document["usage"]])
        if document["has_more"]:
            click.echo(f"there are more than these {limit}: --limit shows up to 1000")


def _row(by: str, total: dict[str, Any]) -> list[object]:
    group = total.get("name") or total.get(by)
    return [
        group if group is not None or by == "total" else "(nobody)",
        total["attempts"],
        total["input_tokens"],
        total["cache_read_tokens"],
        total["output_tokens"],
        total["estimated"],
        usd_text(total["cost"]),
    ]
