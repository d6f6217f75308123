"""
The command ``explain``: what would become of a request, or what became of one.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gateway.cli.explained import explained_lines
from gateway.client import (
    DEFAULT_URL,
    Client,
    json_option,
    quiet_option,
    token_option,
    write_json,
)
from gateway.errors import ConfigError, ExchangeError

if TYPE_CHECKING:
    from gateway.server.explaining import Ask

_ID_PREFIX: Final = "req_"
_MAX_BYTES: Final = 20 * 1024 * 1024


@click.command()
@click.argument("what", metavar="FILE|REQUEST_ID")
@click.option(
    "--path",
    default="/v1/chat/completions",
    show_default=True,
    help="Where the request would be sent.",
)
@click.option("--key", default="", help="Name of the virtual key in whose name.")
@click.option("-H", "--header", "headers", multiple=True, help="Name: value")
@click.option(
    "-c",
    "--config",
    "config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The settings file; else gateway.yaml here, else none.",
)
@click.option(
    "--url",
    envvar="GATEWRIGHT_URL",
    show_envvar=True,
    help="Ask the gateway that runs there.",
)
@token_option
@json_option
@quiet_option
def explain(
    what: str,
    path: str,
    key: str,
    headers: tuple[str, ...],
    config: Path | None,
    url: str | None,
    token: str | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """
    Say what would become of the request in FILE, or what became of REQUEST_ID.

    FILE (- is the standard input) holds a request as a caller would send it.  Nothing is sent
    and nothing is counted.  Without --url this runs here: what has been spent is not known.
    Exit 1 if the request would be, or was, refused.
    """
    if what.startswith(_ID_PREFIX) and not Path(what).exists():
        told = Client(url or DEFAULT_URL, token).trace(what)
    else:
        from gateway.server.explaining import Ask

        ask = Ask(request=_read(what), path=path, headers=_headers(headers), key=key)
        told = _at(Client(url, token), ask) if url else _here(ask, config)
    if as_json:
        write_json(told)
    elif not quiet:
        for line in explained_lines(told):
            click.echo(line)
    status = told.get("status") or told.get("refused", {}).get("status") or 200
    if status >= 400:
        raise SystemExit(1)


def _read(what: str) -> bytes:
    if what == "-":
        return sys.stdin.buffer.read(_MAX_BYTES)
    try:
        with Path(what).open("rb") as file:
            return file.read(_MAX_BYTES)
    except OSError as exc:
        msg = f"{what} cannot be read: {exc.strerror}"
        raise click.UsageError(msg) from None


def _headers(told: tuple[str, ...]) -> dict[str, str]:
    headers = {}
    for each in told:
        name, colon, value = each.partition(":")
        if not colon or not name.strip():
            raise click.UsageError("a header is written as name: value")
        headers[name.strip()] = value.strip()
    return headers


def _at(client: Client, ask: Ask) -> dict[str, Any]:
    try:
        document = ask.as_dict()
    except ExchangeError as exc:
        raise click.ClickException(str(exc)) from None
    return client.post("/api/explain", document)


def _here(ask: Ask, config: Path | None) -> dict[str, Any]:
    """
    Run dry in this process, by the settings that ``serve`` would take.
    """
    import asyncio

    from gateway.cli.serve_command import settings_file
    from gateway.server.explaining import explain as explain_ask
    from gateway.server.launch import Launch, problems_of
    from gateway.server.serve import prepare

    launch = Launch(file=settings_file(config))
    gateway = prepare(launch, os.environ, serving=False)

    async def run() -> dict[str, Any]:
        async with gateway:
            return await explain_ask(gateway, ask)

    try:
        return asyncio.run(run())
    except ExchangeError as exc:
        raise click.ClickException(str(exc)) from None
    except Exception as exc:
        raise ConfigError(problems_of(exc, gateway.settings)) from exc
