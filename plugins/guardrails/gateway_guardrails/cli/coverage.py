"""
The command ``guardrails coverage``: what is checked where.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

import click

from gateway.client import (
    Client,
    client_options,
    print_table,
    write_json,
)
from gateway.offline import config_option, told
from gateway_guardrails.api.shapes import cover_shape
from gateway_guardrails.cli.local import Chosen, open_bench
from gateway_guardrails.policy.attachment import attachment_of
from gateway_guardrails.policy.coverage import UNSEEN
from gateway_guardrails.policy.coverage import coverage as compute

_WAYS: Final = (("input", False), ("output", False), ("output", True))


@click.command()
@click.option("--rule", "rules", multiple=True, help="One rule; again for more.")
@click.option("--why", "shows_why", is_flag=True, help="Each cell in a line, with why.")
@click.option(
    "--check",
    is_flag=True,
    help="Exit with 1 if a rule cannot be enforced, or names nobody.",
)
@config_option
@client_options
def coverage(
    rules: tuple[str, ...],
    file: Path | None,
    url: str,
    token: str | None,
    *,
    shows_why: bool,
    check: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """
    Show what each rule does in each direction of each endpoint.

    Asks a running gateway; with --config it is computed from the settings file.
    """
    if file is None:
        document = Client(url, token).get("/api/guardrails/coverage")
    else:
        with told():
            document = asyncio.run(_compute(Chosen(file=file)))
    cells = [
        cell for cell in document["coverage"] if not rules or cell["guardrail"] in rules
    ]
    if as_json:
        write_json({**document, "coverage": cells})
    elif not quiet:
        (_print_cells if shows_why else _print_matrix)(cells)
        for unseen in document["unseen"]:
            click.echo(f"never seen: {unseen}")
    if check and any(map(_is_fault, cells)):
        raise SystemExit(1)


def _is_fault(cell: dict[str, Any]) -> bool:
    return cell["state"] in ("cannot", "nobody") or bool(cell["strangers"])


async def _compute(chosen: Chosen) -> dict[str, Any]:
    async with open_bench(chosen, needs_rules=True) as bench:
        covers = compute(
            bench.guardrails,
            bench.gateway.dialects.values(),
            embeddings=bench.settings.embeddings,
            attachment=lambda scope: attachment_of(scope, bench.gateway),
        )
    return {
        "coverage": [cover_shape(cover) for cover in covers],
        "unseen": list(UNSEEN),
    }


def _print_matrix(cells: list[dict[str, Any]]) -> None:
    """
    Write one line for each rule and endpoint.
    """
    lines: dict[tuple[str, str], dict[tuple[str, bool], str]] = {}
    for cell in cells:
        line = lines.setdefault((cell["guardrail"], cell["endpoint"]), {})
        line[cell["direction"], cell["stream"]] = cell["state"]
    print_table(
        ("rule", "endpoint", "input", "output", "stream"),
        [(*place, *(line.get(way) for way in _WAYS)) for place, line in lines.items()],
    )


def _print_cells(cells: list[dict[str, Any]]) -> None:
    print_table(
        ("rule", "endpoint", "direction", "state", "why"),
        [
            (
                cell["guardrail"],
                cell["endpoint"],
                "stream" if cell["stream"] else cell["direction"],
                cell["state"],
                "; ".join(
                    filter(None, (cell["why"], *cell["strangers"], *cell["notes"]))
                ),
            )
            for cell in cells
        ],
    )
