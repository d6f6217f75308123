"""
The commands ``budgets …``: what may be spent, and raising it for a time.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import click

from gateway.client import (
    Client,
    client_options,
    print_table,
    step,
    write_json,
)
from gateway_governance.cli.printing import (
    ROOT,
    day_text,
    everything,
    period_text,
    usd_text,
)
from gateway_governance.cli.words import OWNER, OWNERS, PERIOD, SPAN, USD

_FILTERS: Final = {
    "team": "team_id",
    "customer": "customer_id",
    "virtual_key": "virtual_key_id",
    "model_config": "model_config_id",
}


@click.group()
def budgets() -> None:
    """
    List budgets, and raise them for a time.
    """


@budgets.command(name="list")
@click.option("--owner", type=OWNER, help="Of one, as team/payments.")
@client_options
def list_budgets(
    url: str,
    token: str | None,
    owner: tuple[str, str] | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """
    List budgets with what is spent and held of them.
    """
    client = Client(url, token)
    query: dict[str, object] = {}
    if owner is not None:
        key = OWNERS[owner[0]][1]
        query[_FILTERS[key]] = find_owner(client, *owner)["id"]
    found = everything(client, "/budgets", "budgets", query)
    if as_json:
        write_json({"budgets": found, "count": len(found)})
    elif not quiet:
        head = ("owner", "per", "limit", "raised", "spent", "held", "mode", "resets")
        print_table(head, [_row(budget) for budget in found])


def _row(budget: dict[str, Any]) -> list[object]:
    return [
        _owner(budget),
        period_text(budget["reset_duration"]),
        usd_text(budget["max_limit"]),
        usd_text(budget.get("override_amount")),
        usd_text(budget["current_usage"]),
        usd_text(budget["held"]),
        budget["mode"],
        day_text(budget["resets_at"]),
    ]


def _owner(budget: dict[str, Any]) -> str:
    """
    Name whose it is by name, as ``budgets raise`` takes it, where it has one of its own.
    """
    owner: str = budget["owner"]
    kind, _, _ = owner.partition("/")
    name = budget["owner_name"]
    return f"{kind}/{name}" if name and kind in OWNERS else owner


@budgets.command(name="raise")
@click.argument("owner", type=OWNER)
@click.option("--by", type=USD, required=True, help="USD.")
@click.option("--for", "for_s", type=SPAN, required=True, help="As 8h.")
@click.option("--reason", required=True, help="Why; it stands beside the raise.")
@click.option("--per", type=PERIOD, help="Which budget, where there are several.")
@client_options
def raise_budget(
    owner: tuple[str, str],
    url: str,
    token: str | None,
    by: Decimal,
    for_s: int,
    reason: str,
    per: str | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """
    Raise a budget of an OWNER, such as team/payments, for a time.
    """
    client = Client(url, token)
    found = find_owner(client, *owner)
    budget = _choose("/".join(owner), found.get("budgets", []), per)
    document = client.post(
        f"{ROOT}/budgets/{step(budget['id'])}/override",
        {"override_amount": by, "for_s": for_s, "reason": reason},
    )
    if as_json:
        write_json(document)
    elif not quiet:
        told = document["budget"]
        until = day_text(told["overrides"][-1]["until"])
        click.echo(
            f"{told['owner']} has {usd_text(told['effective_limit'])} USD per "
            f"{period_text(told['reset_duration'])} until {until} UTC"
        )


def _choose(owner: str, found: list[dict[str, Any]], per: str | None) -> dict[str, Any]:
    periods = [period_text(budget["reset_duration"]) for budget in found]
    wanted = [one for one in found if per in (None, one["reset_duration"])]
    if len(wanted) == 1:
        return wanted[0]
    if not wanted:
        said = f"; there are {', '.join(periods)}" if periods else ""
        msg = f"{owner} has no such budget{said}"
        raise click.ClickException(msg)
    msg = f"{owner} has several budgets: say which with --per, {', '.join(periods)}"
    raise click.UsageError(msg)


def find_owner(client: Client, kind: str, name: str) -> dict[str, Any]:
    """
    Get the owner that is called *name*.
    """
    path, key = OWNERS[kind]
    owner: dict[str, Any] = client.get(f"{ROOT}/{path}/{step(name)}")[key]
    return owner
