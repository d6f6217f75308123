"""
The command ``new-plugin``: a whole package to begin with.
"""

from __future__ import annotations

import keyword
import re
import shlex
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import click

from gateway.client import json_option, quiet_option, write_json

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_MAX_CHARACTERS: Final = 40
_SUFFIX: Final = ".tmpl"
#: The folder of the template that becomes the import package.
_PACKAGE: Final = "package"


@click.command("new-plugin")
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where the package's folder is made; left out: here.",
)
@json_option
@quiet_option
def new_plugin(name: str, into: Path, *, as_json: bool, quiet: bool) -> None:
    """
    Write a plugin to begin with: hooks, settings, a stream filter, tests that pass.

    NAME is its word in settings, logs and documentation: lower case, with _ between words.
    """
    folder = into / distribution_of(checked_name(name))
    if folder.exists():
        raise click.ClickException(f"{folder} is there already; nothing was written")
    written = rendered(name)
    for path, text in written.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    if as_json:
        write_json({"folder": str(folder), "files": sorted(written)})
    elif not quiet:
        click.echo(f"{folder}: {len(written)} files.  Next:")
        click.echo(f"  cd {shlex.quote(str(folder))} && python3 -m venv .venv")
        click.echo("  .venv/bin/pip install --group test -e . && .venv/bin/pytest")


def checked_name(name: str) -> str:
    """
    Return *name*, which can name a plugin.

    Raises:
        click.UsageError: It cannot; says why.
    """
    if len(name) > _MAX_CHARACTERS or _NAME.fullmatch(name) is None:
        msg = (
            f"{name[:_MAX_CHARACTERS]!r} cannot name a plugin: lower-case letters and digits "
            f"with single _ between them, a letter first, at most {_MAX_CHARACTERS}"
        )
        meant = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        if len(meant) <= _MAX_CHARACTERS and _NAME.fullmatch(meant):
            msg += f", did you mean {meant}?"
        raise click.UsageError(msg)
    if keyword.iskeyword(name) or name == _PACKAGE:
        raise click.UsageError(f"{name!r} cannot name a plugin: Python reads it itself")
    return name


def distribution_of(name: str) -> str:
    """
    Return what pip calls the plugin *name*.
    """
    return f"gatewright-{name.replace('_', '-')}"


def rendered(name: str) -> Mapping[str, str]:
    """
    Return the package's files by path, for a plugin called *name*.
    """
    camel = "".join(map(str.capitalize, name.split("_")))
    words = {
        "name": name,
        "Name": camel,
        "called": camel.lower(),
        "package": f"gateway_{name}",
        "distribution": distribution_of(name),
    }
    out = {}
    for path, text in _template():
        place = path.removesuffix(_SUFFIX)
        if place.startswith(f"{_PACKAGE}/"):
            place = words["package"] + place.removeprefix(_PACKAGE)
        out[place] = _filled(text, words)
    return out


def _template() -> Iterator[tuple[str, str]]:
    yield from _files(files("gateway") / "template", "")


def _files(folder: Traversable, path: str) -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir() and not entry.name.startswith("__"):
            yield from _files(entry, f"{path}{entry.name}/")
        elif entry.name.endswith((_SUFFIX, ".typed")):
            yield path + entry.name, entry.read_text(encoding="utf-8")


def _filled(text: str, words: Mapping[str, str]) -> str:
    for word, value in words.items():
        text = text.replace("{{" + word + "}}", value)
    return text
