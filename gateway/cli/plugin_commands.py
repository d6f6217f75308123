"""
Commands about plugins: ``plugins``, ``hooks``.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, Final

import click

from gateway.client import (
    Client,
    json_option,
    print_table,
    quiet_option,
    token_option,
    write_json,
)
from gateway.errors import ConfigError, GatewayError

_COLUMNS: Final = (
    "order",
    "phase",
    "name",
    "version",
    "distribution",
    "hooks",
    "on-failure[from]",
    "timeout",
)
_LIVE_COLUMNS: Final = ("p50/p99 µs", "errors", "last-error")


@click.command()
@click.option("--hook", help="Only plugins that implement it.")
@click.option(
    "-c",
    "--config",
    "file",
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
def plugins(
    hook: str | None,
    file: Path | None,
    url: str | None,
    token: str | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """
    List the plugins that take part, outermost first.

    With --url also what they cost in the running gateway.
    """
    if hook is not None:
        _known_hook(hook)
    listing = _offline(file) if url is None else _live(Client(url, token))
    if hook is not None:
        listing = [plugin for plugin in listing if hook in plugin["hooks"]]
    if as_json:
        write_json(listing)
    elif not quiet:
        is_live = url is not None
        head = _COLUMNS + (_LIVE_COLUMNS if is_live else ())
        print_table(head, [_row(plugin, is_live=is_live) for plugin in listing])


def _live(client: Client) -> list[dict[str, Any]]:
    listing: list[dict[str, Any]] = client.get("/api/plugins").get("plugins") or []
    return listing


def _offline(file: Path | None) -> list[dict[str, Any]]:
    """
    Load the plugins as ``serve`` would.
    """
    from gateway.app import describe_plugin
    from gateway.cli.serve_command import settings_file
    from gateway.installation import installed_plugins
    from gateway.plugins import load_plugins
    from gateway.server.launch import problems_of
    from gateway.server.logs import configure_logging
    from gateway.settings import LogSettings, Settings, load_settings

    # What plugins log goes to the standard error, beside the listing.
    configure_logging(LogSettings(level="warning"))
    chosen = settings_file(file)
    settings = Settings() if chosen is None else load_settings(chosen)
    try:
        loaded = load_plugins(settings, installed=installed_plugins())
    except GatewayError as exc:
        raise ConfigError(problems_of(exc, settings)) from None
    return [describe_plugin(order, plugin) for order, plugin in enumerate(loaded)]


def _row(plugin: dict[str, Any], *, is_live: bool) -> tuple[object, ...]:
    origin = plugin.get("from", {}).get("on_failure", "default")
    timeout = plugin.get("timeout_s")
    row = (
        plugin["order"],
        plugin["phase"],
        plugin["name"],
        plugin["version"],
        plugin["distribution"],
        ",".join(plugin["hooks"]),
        f"{plugin['on_failure']}[{origin}]",
        None if timeout is None else f"{timeout:g} s",
    )
    if not is_live:
        return row
    times = f"{plugin.get('p50_us', 0):.0f}/{plugin.get('p99_us', 0):.0f}"
    return (*row, times, plugin.get("errors", 0), plugin.get("last_error"))


# --- hooks ----------------------------------------------------------------------------------


@click.command()
@click.argument("name", required=False)
@json_option
@quiet_option
def hooks(name: str | None, *, as_json: bool, quiet: bool) -> None:
    """
    Show the hooks that a plugin may implement, or one of them in full.
    """
    from gateway.plugins import hook_names

    if name is not None:
        _known_hook(name)
    chosen = hook_names() if name is None else (name,)
    if as_json:
        write_json([_described(hook) for hook in chosen])
    elif quiet:
        return
    elif name is None:
        for hook in chosen:
            click.echo(f"{signature_of(hook)}\n    {_described(hook)['summary']}")
    else:
        click.echo(f"{signature_of(name)}\n")
        click.echo(_described(name)["text"])


def _described(name: str) -> dict[str, Any]:
    from gateway.hookspecs import Plugin

    text = inspect.getdoc(getattr(Plugin, name)) or ""
    return {
        "name": name,
        "signature": signature_of(name),
        "is_async": inspect.iscoroutinefunction(getattr(Plugin, name)),
        "summary": text.strip().partition("\n")[0],
        "text": text.strip(),
    }


def signature_of(name: str) -> str:
    """
    Write the hook's signature as a plugin spells it.
    """
    from gateway.hookspecs import EITHER_COLOUR, Plugin

    member = getattr(Plugin, name)
    colour = "async def" if inspect.iscoroutinefunction(member) else "def"
    if name in EITHER_COLOUR:
        colour = "def or async def"
    signature = str(inspect.signature(member)).replace("'", "")
    return f"{colour} {name}{signature}"


def _known_hook(name: str) -> None:
    from gateway.plugins import hook_names

    if name not in hook_names():
        raise click.UsageError(f"no hook {name!r}; there are {', '.join(hook_names())}")
