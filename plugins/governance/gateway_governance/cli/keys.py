"""
The commands ``keys …``: virtual keys of a running gateway.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click

from gateway.client import (
    Client,
    Rejected,
    client_options,
    print_table,
    quiet_option,
    step,
    write_json,
)
from gateway.clock import SystemClock, read_span, utc_text
from gateway.offline import Offline, config_option, data_dir_option, told
from gateway_governance.cli.printing import (
    ROOT,
    day_text,
    everything,
    period_text,
    usd_text,
)
from gateway_governance.cli.words import BUDGET, RATE, SPAN, Word
from gateway_governance.owners import Moment
from gateway_governance.values import MAX_CHARACTERS, PURPOSE, Mint

#: Addresses to listen on that nobody can call.
_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})
_KEYS: Final = f"{ROOT}/virtual-keys"


def read_expiry(text: str) -> str:
    """
    Read ``90d``, a day or a moment as the API's time.

    Raises:
        ValueError: it is none.
    """
    if text[:1].isdigit() and "-" not in text:
        ends = datetime.fromtimestamp(SystemClock().now(), UTC)
        return utc_text((ends + timedelta(seconds=read_span(text))).timestamp())
    return utc_text(Moment.parse(text).at)


EXPIRY: Final = Word("span or day", read_expiry)


@click.group()
def keys() -> None:
    """
    Create, list, show, rotate and revoke virtual keys.
    """


@keys.command()
@click.argument("name")
@click.option("--team", help="Whose it is, by name or id; or --customer.")
@click.option("--customer", help="Whose it is; or --team.")
@click.option("--models", help="Names that it may ask for, a,b,claude-*.")
@click.option(
    "--provider",
    "providers",
    multiple=True,
    help="A provider that it may use; again for more. Left out: all.",
)
@click.option("--budget", "budgets", type=BUDGET, multiple=True, help="USD, as 20/day.")
@click.option(
    "--rate", "rates", type=RATE, multiple=True, help="As 600requests/minute."
)
@click.option("--max-parallel", type=click.IntRange(1), help="Requests at once.")
@click.option("--expires", type=EXPIRY, help="As 90d, or 2027-12-31.")
@click.option("--description", help="For people.")
@click.option(
    "--value-file",
    type=click.File("rb"),
    help="Holds a value that is in use already; - is the standard input.",
)
@click.option(
    "--calls-url", help="Where callers come in, if the gateway knows it otherwise."
)
@client_options
def create(
    name: str,
    url: str,
    token: str | None,
    calls_url: str | None,
    *,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """
    Create a key and show its value, once.
    """
    client = Client(url, token)
    document = client.post(_KEYS, _body_of(client, name, options))
    key = document["virtual_key"]
    if as_json:
        write_json(document)
    elif quiet:
        click.echo(key["value"])
    else:
        for line in value_lines(key["value"], calls_url or callers_url(client)):
            click.echo(line)


def callers_url(client: Client) -> str:
    """
    Find out where callers come in, which may be another address than the management's.

    A gateway that listens on every address is reached by callers as it was for this.
    """
    try:
        told = urlsplit(str(client.get("/api/status").get("calls", "")))
        port = told.port
    except (Rejected, ValueError):  # a token that may not ask, or no URL
        return client.url
    if not told.hostname or not port:
        return client.url
    if told.hostname not in _EVERYWHERE:
        return told.geturl()
    host = urlsplit(client.url).hostname or told.hostname
    shown = f"[{host}]" if ":" in host else host
    return f"{told.scheme}://{shown}:{port}"


def _body_of(client: Client, name: str, options: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {"name": name}
    for kind, path in (("team", "teams"), ("customer", "customers")):
        if options[kind] is not None:
            owner = client.get(f"{ROOT}/{path}/{step(options[kind])}")[kind]
            body[f"{kind}_id"] = owner["id"]
    if options["models"] is not None:
        body["models"] = [
            one.strip() for one in options["models"].split(",") if one.strip()
        ]
    if options["providers"]:
        body["provider_configs"] = [
            {"provider": one, "allowed_models": ["*"], "key_ids": ["*"]}
            for one in options["providers"]
        ]
    else:
        body["allow_all_providers"] = True
    for option, key in (
        ("budgets", "budgets"),
        ("rates", "rate_limits"),
        ("max_parallel", "max_parallel"),
        ("expires", "expires_at"),
        ("description", "description"),
    ):
        if options[option]:
            body[key] = options[option]
    if options["value_file"] is not None:
        body["value"] = read_value(options["value_file"].read(MAX_CHARACTERS + 2))
    return body


def read_value(raw: bytes) -> str:
    """
    Read a value that stands on a line of its own.

    Raises:
        click.BadParameter: it is no text.
    """
    try:
        return raw.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        msg = "the value is no text"
        raise click.BadParameter(msg) from None


def value_lines(value: str, url: str) -> list[str]:
    """
    Tell a value, and what clients take it from.
    """
    root = url.rstrip("/")
    return [
        f"{value}   (shown once)",
        f"OPENAI_BASE_URL={root}/v1",
        f"OPENAI_API_KEY={value}",
        f"ANTHROPIC_BASE_URL={root}",
        f"ANTHROPIC_AUTH_TOKEN={value}",
    ]


@keys.command(name="list")
@click.option("--team", help="Of one team, by name or id.")
@click.option("--search", help="In names and descriptions.")
@click.option("--active/--inactive", "is_active", default=None, help="Only such.")
@client_options
def list_keys(
    url: str,
    token: str | None,
    team: str | None,
    search: str | None,
    *,
    is_active: bool | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """
    List keys.
    """
    client = Client(url, token)
    query: dict[str, object] = {"search": search, "sort_by": "name"}
    if team is not None:
        query["team_id"] = client.get(f"{ROOT}/teams/{step(team)}")["team"]["id"]
    if is_active is not None:
        query["is_active"] = str(is_active).lower()
    found = everything(client, "/virtual-keys", "virtual_keys", query)
    if as_json:
        write_json({"virtual_keys": found, "count": len(found)})
    elif not quiet:
        print_table(
            ("name", "state", "team", "customer", "budgets", "expires", "value", "id"),
            [_key_row(key) for key in found],
        )


def _key_row(key: dict[str, Any]) -> list[object]:
    budgets = ", ".join(budget_text(budget) for budget in key.get("budgets", ()))
    return [
        key["name"],
        key["state"] + (" (file)" if key["is_declared"] else ""),
        key.get("team", {}).get("name"),
        key.get("customer", {}).get("name"),
        budgets,
        day_text(key["expires_at"]),
        key["value"],
        key["id"],
    ]


def budget_text(budget: dict[str, Any]) -> str:
    """
    Tell a budget in a few characters.
    """
    used, limit = usd_text(budget["current_usage"]), usd_text(budget["effective_limit"])
    return f"{used} of {limit}/{period_text(budget['reset_duration'])}"


@keys.command()
@click.argument("key")
@client_options
def show(key: str, url: str, token: str | None, *, as_json: bool, quiet: bool) -> None:
    """
    Show one KEY, by name or id.
    """
    found = Client(url, token).get(f"{_KEYS}/{step(key)}")["virtual_key"]
    if as_json:
        write_json(found)
        return
    if quiet:
        return
    names = ("id", "name", "state", "value", "description", "expires_at")
    rows = [(name, found.get(name)) for name in names if found.get(name) is not None]
    if found.get("models") is not None:
        rows.append(("models", ", ".join(found["models"]) or "none"))
    rows += [
        (owner, found[owner]["name"])
        for owner in ("team", "customer")
        if owner in found
    ]
    rows += [("budget", budget_text(one)) for one in found.get("budgets", ())]
    rows += [("limit", _rate_text(one)) for one in found["rate_limits"]]
    if found["max_parallel"] is not None:
        rows.append(("at once", f"{found['in_flight']} of {found['max_parallel']}"))
    providers = [one["provider"] for one in found["provider_configs"]]
    everybody = "all" if found["allow_all_providers"] else "none"
    rows.append(("providers", ", ".join(providers) or everybody))
    print_table((), rows)


def _rate_text(rate: dict[str, Any]) -> str:
    return (
        f"{rate['current_usage']} of {rate['max_limit']} {rate['unit']}"
        f"/{period_text(rate['reset_duration'])}"
    )


@keys.command()
@click.argument("key")
@click.option(
    "--overlap", type=SPAN, default=0, help="How long the old one holds, as 1h."
)
@click.option(
    "--calls-url", help="Where callers come in, if the gateway knows it otherwise."
)
@client_options
def rotate(
    key: str,
    url: str,
    token: str | None,
    overlap: int,
    calls_url: str | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """
    Give a KEY a new value and show it, once.
    """
    path, client = f"{_KEYS}/{step(key)}/rotate", Client(url, token)
    document = client.post(path, {"overlap_s": overlap})
    value = document["virtual_key"]["value"]
    if as_json:
        write_json(document)
    elif quiet:
        click.echo(value)
    else:
        for line in value_lines(value, calls_url or callers_url(client)):
            click.echo(line)


@keys.command()
@click.argument("key")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@client_options
def revoke(
    key: str,
    url: str,
    token: str | None,
    *,
    yes: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """
    Revoke a KEY, for good; what it spent stays recorded.
    """
    if not yes and sys.stdin.isatty():
        click.confirm(f"revoke {key} for good?", abort=True)
    document = Client(url, token).delete(f"{_KEYS}/{step(key)}")
    if as_json:
        write_json(document)
    elif not quiet:
        click.echo(f"{key} revoked")


@keys.command(name="hash")
@config_option
@data_dir_option
@quiet_option
def hash_value(file: Path | None, data_dir: Path | None, *, quiet: bool) -> None:
    """
    Write what ``hash:`` in the settings file takes for a value.

    Reads the value from the standard input, or asks for it.  Works without a gateway, with the
    secret key that it would have.
    """
    if sys.stdin.isatty():
        value = click.prompt("value", hide_input=True, err=True)
    else:
        value = read_value(sys.stdin.buffer.read(MAX_CHARACTERS + 2))
    with told():
        mint = Mint(Offline.open(file, data_dir, os.environ).derive(PURPOSE))
    try:
        click.echo(mint.hash_of(value))
    except ValueError as exc:
        msg = f"the value {exc}"
        raise click.UsageError(msg) from None
