"""
How commands answer: tables for people, one JSON document for programs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar

import click

from gateway.client import (
    Client,
    json_option,
    quiet_option,
    token_option,
    url_option,
)

F = TypeVar("F", bound=Callable[..., Any])

ROOT: Final = "/api/governance"
#: Entries that one request asks for, and that a command asks for in all.
PAGE: Final = 1_000
MOST: Final = 100_000


def client_options(command: F) -> F:
    """
    Give *command* the options of all that ask a running gateway.
    """
    for option in (quiet_option, json_option, token_option, url_option):
        command = option(command)
    return command


def everything(
    client: Client, path: str, name: str, query: dict[str, object] | None = None
) -> list[dict[str, Any]]:
    """
    Get a list page by page.
    """
    found: list[dict[str, Any]] = []
    while len(found) < MOST:
        told = {**(query or {}), "limit": PAGE, "offset": len(found)}
        page = client.get(ROOT + path, told)[name]
        found += page
        if len(page) < PAGE:
            break
    return found


def print_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """
    Write rows in columns, numbers to the right.
    """
    cells = [[_text(cell) for cell in row] for row in rows]
    if not cells:
        click.echo("none")
        return
    numeric = [all(_is_number(row[at]) for row in cells) for at, _ in enumerate(head)]
    widths = [
        max(len(name), *(len(row[at]) for row in cells)) for at, name in enumerate(head)
    ]
    for row in [list(head), *cells]:
        columns = (
            text.rjust(width) if is_number else text.ljust(width)
            for text, width, is_number in zip(row, widths, numeric, strict=True)
        )
        click.echo("  ".join(columns).rstrip())


def usd_text(usd: float | Decimal | None) -> str:
    """
    Write USD as people do: two digits, more where they say something.
    """
    if usd is None:
        return ""
    text = f"{Decimal(str(usd)):.9f}".rstrip("0")
    whole, _, digits = text.partition(".")
    return f"{whole}.{digits.ljust(2, '0')}"


def day_text(moment: str | None) -> str:
    """
    Shorten a time to its minute.
    """
    return "" if moment is None else moment[:16].replace("T", " ")


def _text(cell: object) -> str:
    if cell is None:
        return ""
    # What somebody else named must not write to this terminal.
    return "".join(each if each.isprintable() else "?" for each in str(cell))


def _is_number(text: str) -> bool:
    return not text or text.replace(".", "").replace("-", "").isdigit()
