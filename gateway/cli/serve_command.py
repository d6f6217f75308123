"""
The command ``serve``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import click

from gateway.errors import ConfigError
from gateway.server.authorities import read_late
from gateway.server.launch import Launch
from gateway.settings import Address

DEFAULT_FILE: Final = Path("gateway.yaml")


def read_address(
    ctx: click.Context, param: click.Parameter, told: str | None
) -> Address | None:
    """
    Read ``host:port``.

    Raises:
        click.BadParameter: It is none.
    """
    if told is None:
        return None
    try:
        return Address.parse(told)
    except ValueError as exc:
        raise click.BadParameter(str(exc), ctx, param) from None


def settings_file(told: Path | None) -> Path | None:
    """
    Choose the settings file: the one told, or ``gateway.yaml`` here, or none.
    """
    if told is not None:
        return told
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


@click.command()
@click.option(
    "-c",
    "--config",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The settings file; else gateway.yaml here, else none.",
)
@click.option(
    "--listen",
    metavar="HOST:PORT",
    callback=read_address,
    help="Where callers come in.",
)
@click.option(
    "--admin-listen",
    metavar="HOST:PORT",
    callback=read_address,
    help="Where /api and /metrics are.",
)
@click.option("--workers", type=click.IntRange(1, 256), help="Processes that serve.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for what must outlive the gateway.",
)
@click.option(
    "--log-format",
    type=click.Choice(["auto", "text", "json"]),
    help="auto is text on a terminal, JSON elsewhere.",
)
def serve(file: Path | None, **told: Any) -> None:
    """
    Serve callers until SIGTERM or SIGINT; SIGHUP reads the settings again.

    Says on one line of JSON where it serves, or in words on a terminal.
    """
    with read_late():
        from gateway.server import serve as serving

    launch = Launch(file=settings_file(file), **told)
    try:
        code = serving.serve(launch, os.environ)
    except ConfigError as exc:
        from gateway.cli.program import fail

        fail(exc)
    raise SystemExit(code)
