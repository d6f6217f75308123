"""
The commands ``ledger …``: do its counts agree, and what became of holds whose worker died.
"""

from __future__ import annotations

from decimal import Decimal

import click

from gateway.client import (
    Client,
    client_options,
    print_table,
    step,
    write_json,
)
from gateway_governance.cli.printing import ROOT, day_text, everything, usd_text
from gateway_governance.cli.words import USD


@click.group()
def ledger() -> None:
    """
    Check the ledger, and resolve what is burned.
    """


@ledger.command()
@client_options
def check(url: str, token: str | None, *, as_json: bool, quiet: bool) -> None:
    """
    Count everything again and compare; exit 1 if it does not agree.
    """
    document = Client(url, token).get(f"{ROOT}/ledger/check")
    if as_json:
        write_json(document)
    elif not document["agrees"]:
        for one in document["discrepancies"]:
            click.echo(
                f"{one['meter']}: {one['what']}: expected {one['expected']}, "
                f"found {one['found']}",
                err=quiet,
            )
    elif not quiet:
        click.echo("the ledger agrees with itself")
        if document["burned"]:
            click.echo(f"{document['burned']} burned: gatewright ledger resolve")
    if not document["agrees"]:
        raise SystemExit(1)


@ledger.command()
@click.argument("hold", required=False)
@click.option("--cost", type=USD, help="USD that the provider billed for it.")
@client_options
def resolve(
    hold: str | None,
    url: str,
    token: str | None,
    cost: Decimal | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """
    Say what a burned HOLD truly came to; without one, list them.

    What was sent by a worker that died counts as spent in full, until somebody looks at the
    provider's bill.
    """
    client = Client(url, token)
    if hold is None:
        found = everything(client, "/ledger/burned", "burned")
        if as_json:
            write_json({"burned": found, "count": len(found)})
        elif not quiet:
            print_table(
                ("hold", "at", "USD", "of"),
                [
                    (
                        one["id"],
                        day_text(one["at"]),
                        usd_text(one["amount"]),
                        ", ".join(one["meters"]),
                    )
                    for one in found
                ],
            )
        return
    if cost is None:
        msg = "say with --cost what the provider billed; 0 if nothing"
        raise click.UsageError(msg)
    path = f"{ROOT}/ledger/burned/{step(hold)}/resolve"
    document = client.post(path, {"cost": cost})
    if as_json:
        write_json(document)
    elif not quiet:
        told = document["hold"]
        click.echo(
            f"{told['id']}: {usd_text(told['amount'])} USD were held, "
            f"{usd_text(told['resolved'])} are spent"
        )
