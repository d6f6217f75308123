"""
The command ``fake-upstream``: a fake upstream for other processes.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import click
import orjson

from gateway.testing.fake import FakeUpstream, Script, read_script_file

__all__ = ["fake_upstream_command"]


@click.command("fake-upstream")
@click.option(
    "--listen",
    default="127.0.0.1:9999",
    show_default=True,
    metavar="HOST:PORT",
    help="Where to listen; port 0 takes a free one.",
)
@click.option("--key", "keys", multiple=True, help="An API key to accept; else any.")
@click.option("--model", "models", multiple=True, help="A model that exists; else any.")
@click.option("--strict", is_flag=True, help="Refuse what the vendors refuse.")
@click.option("--text", help="What to answer, instead of an echo.")
@click.option(
    "--events",
    "split",
    type=click.IntRange(min=1),
    help="How many pieces a streamed text is cut into.",
)
@click.option(
    "--latency-ms",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Time before the answer begins.",
)
@click.option(
    "--event-latency-ms",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Time before each event of a stream.",
)
@click.option(
    "--chunk-bytes",
    type=click.IntRange(min=1),
    help="Cut answers into writes of so many bytes, wherever that cuts.",
)
@click.option("--one-write", is_flag=True, help="Send each stream as one burst.")
@click.option(
    "--canned",
    is_flag=True,
    help="Send the bytes of the first answer ever after: the fastest.",
)
@click.option(
    "--scripts",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON file of scripts by model name.",
)
def fake_upstream_command(
    listen: str,
    keys: tuple[str, ...],
    models: tuple[str, ...],
    strict: bool,
    scripts: Path | None,
    **script: Any,
) -> None:
    """
    Serve a fake upstream that speaks like OpenAI and Anthropic.

    Answers echo what was asked, or follow a script: by option, by model name in a
    file, or per request in the header x-fake-script.  GET /_fake/bill tells what
    was asked and charged.
    """
    host, port = _address(listen)
    fake = FakeUpstream(
        host=host,
        port=port,
        keys=keys or None,
        models=models or None,
        strict=strict,
        default=Script(**script),
    )
    for name, each in _read_scripts(scripts).items():
        fake.script(name, each)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(fake))


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise click.BadParameter(
            f"{listen!r} is not HOST:PORT", param_hint="'--listen'"
        )
    return host.strip("[]"), int(port)


def _read_scripts(path: Path | None) -> dict[str, Script]:
    if path is None:
        return {}
    try:
        return read_script_file(path)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--scripts'") from None


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """
    Take uvloop where it is installed.
    """
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(fake: FakeUpstream) -> None:
    """
    Serve until a signal, and tell on one line where.
    """
    is_over = asyncio.Event()
    loop = asyncio.get_running_loop()
    if sys.platform != "win32":
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, is_over.set)
    try:
        await fake.start()
    except OSError as error:
        where = f"{fake.host}:{fake.port}"
        raise click.ClickException(f"cannot listen on {where}: {error}") from None
    try:
        click.echo(orjson.dumps(attrs.asdict(_Ready(fake.url, fake.openai_url))))
        await is_over.wait()
    finally:
        await fake.close()


@attrs.frozen
class _Ready:
    url: str
    openai_url: str
