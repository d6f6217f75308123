"""
How commands answer people: columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click


def print_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """
    Write rows in columns, numbers to the right; nothing is ``none``.
    """
    cells = [[plain(cell) for cell in row] for row in rows]
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


def plain(cell: object) -> str:
    """
    Write *cell* so that what somebody else named does nothing to this terminal.
    """
    if cell is None:
        return "-"
    told = f"{cell:g}" if isinstance(cell, float) else str(cell)
    return "".join(each if each.isprintable() else "?" for each in told)


def _is_number(text: str) -> bool:
    return text == "-" or text.replace(".", "").replace("-", "").isdigit()
