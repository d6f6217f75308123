"""
The commands about the settings file: ``check``, ``init``, ``schema``, ``diff``.

Exit codes: 0 all is well, 1 a fault or a difference was found, 2 wrong usage,
3 the running gateway cannot be asked.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, NoReturn

import attrs
import click

from gateway import codec
from gateway.cli.settings_client import Unreachable, fetch_settings
from gateway.errors import ConfigError, GatewayError, Problem, SecretMissing
from gateway.installation import installed_plugins
from gateway.plugins import FoundPlugin, PluginErrors, find_plugins
from gateway.secrets import Secrets
from gateway.server.launch import plugin_problems, problems_of
from gateway.settings import Settings, find_secrets, load_settings, settings_as_dict
from gateway.settings.checks import Fault, find_warnings
from gateway.settings.load import open_document, read_settings
from gateway.settings.nodes import Table
from gateway.settings.problems import Problems
from gateway.settings.schema import schema_of
from gateway.settings.snapshot import changed_paths

DEFAULT_FILE: Final = "gateway.yaml"
MAX_VALUE_SHOWN: Final = 200

_FAULT: Final = 1
_UNREACHABLE: Final = 3

_file = click.argument(
    "file", default=DEFAULT_FILE, type=click.Path(dir_okay=False, path_type=Path)
)
_json = click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")
_quiet = click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")


# -- check ---------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class CheckResult:
    """
    What is wrong with a settings file.

    Attributes:
        file: which.

        digest: of what it says; empty if it could not be read.

        errors: what keeps the gateway from starting, in the order of the file.

        warnings: what works but is unwise.
    """

    file: Path
    digest: str = ""
    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def check_file(
    file: Path,
    *,
    secrets: Secrets | None = None,
    extra: Sequence[FoundPlugin] = (),
    installed: bool = True,
) -> CheckResult:
    """
    Find everything that is wrong with the settings in *file*.

    Args:
        secrets: resolves every reference; None leaves them alone.

        extra: plugins beside the installed ones.

        installed: whether installed plugins take part.
    """
    try:
        document, problems = open_document(file)
    except ConfigError as exc:
        return CheckResult(file=file, errors=exc.problems)
    settings = read_settings(document, problems, source=file)
    errors = list(problems.error().problems)
    errors += plugin_problems(
        settings, extra, installed=installed_plugins() if installed else ()
    )
    advice: Sequence[Problem] = ()
    if not errors:
        found, advice = _start_problems(settings, extra, secrets, installed=installed)
        errors += found
    warnings = Problems(str(file))
    for fault in find_warnings(settings):
        fault.note(document, warnings)
    if secrets is not None:
        classes = _settings_classes(extra, installed=installed)
        missing = _missing_secrets(settings, document, secrets, classes)
        told = {(problem.path, problem.message) for problem in missing}
        # What a plugin found missing as well is one problem, and stands where its value does.
        errors = [one for one in errors if (one.path, one.message) not in told]
        errors += missing
    return CheckResult(
        file=file,
        digest=settings.digest,
        errors=tuple(sorted(errors, key=_mark_of)),
        warnings=tuple(sorted((*warnings.error().problems, *advice), key=_mark_of)),
    )


def _start_problems(
    settings: Settings,
    extra: Sequence[FoundPlugin],
    secrets: Secrets | None,
    *,
    installed: bool,
) -> tuple[Sequence[Problem], Sequence[Problem]]:
    """
    Make a gateway of settings that are sound so far, and list why it could not start.

    Returns:
        Beside that what its plugins advise, where nothing is wrong.
    """
    from gateway.app import Gateway  # it needs half a second that init has not

    told: list[Problem] = []
    try:
        gateway = Gateway(
            settings, plugins=extra, installed=installed, environ={}, problems=told
        )
        told += asyncio.run(gateway.start_problems(secrets))
    except (PluginErrors, ConfigError) as exc:
        return problems_of(exc, settings), ()
    # What a plugin finds wrong on two ways is one problem.
    found = settings.located(ConfigError(dict.fromkeys(told))).problems
    advice = () if found else gateway.advice()
    return found, settings.located(ConfigError(advice)).problems


def _missing_secrets(
    settings: Settings,
    document: Table,
    secrets: Secrets,
    classes: dict[str, type[Any]],
) -> list[Problem]:
    """
    Resolve each reference, the plugins' ones too, and list those that fail.
    """
    missing = Problems(str(settings.source))
    tables: list[tuple[tuple[str, ...], Any]] = [((), settings)]
    for name in settings.plugins:
        try:
            tables.append((("plugins", name), settings.plugin(name, classes[name])))
        except (GatewayError, KeyError):
            continue  # that it is broken, or not installed, is told already
    for above, table in tables:
        for steps, reference in find_secrets(table):
            try:
                secrets.get(reference)
            except SecretMissing as exc:
                fault = Fault(steps=(*above, *steps), message=str(exc))
                fault.note(document, missing)
    return list(missing.error().problems)


def installed_plugin_settings() -> dict[str, type[Any]]:
    """
    Return the settings class of each installed plugin that can be imported.
    """
    return _settings_classes((), installed=True)


def _settings_classes(
    extra: Sequence[FoundPlugin], *, installed: bool
) -> dict[str, type[Any]]:
    found = [*(find_plugins()[0] if installed else ()), *extra]
    return {plugin.name: plugin.cls.Settings for plugin in found}


def _mark_of(problem: Problem) -> tuple[int, int]:
    """
    Read line and column from where *problem* stands; without them it comes first.
    """
    _, *numbers = problem.where.rsplit(":", 2)
    if len(numbers) == 2 and all(number.isdigit() for number in numbers):
        return int(numbers[0]), int(numbers[1])
    return 0, 0


@click.command()
@_file
@click.option("--secrets", "resolve", is_flag=True, help="Resolve every reference.")
@click.option("--strict", is_flag=True, help="Take warnings for faults.")
@_json
@_quiet
def check(
    file: Path, *, resolve: bool, strict: bool, as_json: bool, quiet: bool
) -> None:
    """
    Say everything that is wrong with the settings in FILE.
    """
    told: list[str] = []
    secrets = Secrets(os.environ, warn=told.append) if resolve else None
    result = check_file(file, secrets=secrets)
    warnings = (*result.warnings, *map(Problem, told))
    if as_json:
        _write_json(
            {
                "file": str(result.file),
                "digest": result.digest,
                "errors": [attrs.asdict(problem) for problem in result.errors],
                "warnings": [attrs.asdict(problem) for problem in warnings],
            }
        )
    else:
        for problem in result.errors:
            click.echo(str(problem))
        for problem in warnings:
            click.echo(f"warning {problem}")
        if not (result.errors or warnings or quiet):
            click.echo(f"{file}: no fault found, settings {result.digest[:12]}")
    if result.errors or (strict and warnings):
        raise SystemExit(_FAULT)


# -- init, schema --------------------------------------------------------------


@click.command()
@_file
@_json
@_quiet
def init(file: Path, *, as_json: bool, quiet: bool) -> None:
    """
    Write a commented settings FILE to begin with; never over another one.
    """
    text = files("gateway.settings").joinpath("starting.yaml").read_text("utf-8")
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        _fail(f"{file} is there already: nothing was written", _FAULT)
    except OSError as exc:
        _fail(f"{file} cannot be written: {exc.strerror}", _FAULT)
    if as_json:
        _write_json({"file": str(file)})
    elif not quiet:
        click.echo(f"{file} written; next: gatewright check, gatewright serve")


@click.command()
@_json
@_quiet
def schema(*, as_json: bool, quiet: bool) -> None:
    """
    Write the JSON Schema of the settings file, installed plugins' tables included.
    """
    _write_json(schema_of(installed_plugin_settings()))


# -- diff ----------------------------------------------------------------------


@click.command()
@_file
@click.option(
    "--url",
    envvar="GATEWRIGHT_URL",
    show_envvar=True,
    required=True,
    help="The admin URL.",
)
@click.option(
    "--token",
    envvar="GATEWRIGHT_TOKEN",
    show_envvar=True,
    help="An admin's or viewer's token.",
)
@_json
@_quiet
def diff(
    file: Path, *, url: str, token: str | None, as_json: bool, quiet: bool
) -> None:
    """
    Say what a running gateway would change if it took up FILE.
    """
    try:
        settings = load_settings(file)
        running = fetch_settings(url, token)
    except ConfigError as exc:
        _fail(str(exc), _FAULT)
    except Unreachable as exc:
        _fail(str(exc), _UNREACHABLE)
    # Through JSON once, as the other side went.
    ours = codec.loads(codec.dumps(settings_as_dict(settings)))
    changes = list(changed_paths(running.settings, ours))
    if as_json:
        _write_json(
            {
                "running": running.digest,
                "file": settings.digest,
                "changes": [
                    {"path": path, "running": old, "file": new}
                    for path, old, new in changes
                ],
            }
        )
    else:
        for path, old, new in changes:
            click.echo(f"{path}: {_brief(old)} -> {_brief(new)}")
        if not changes and not quiet:
            click.echo(_no_change(running.digest, settings.digest))
    if changes or running.digest != settings.digest:
        raise SystemExit(_FAULT)


def _no_change(running: str, ours: str) -> str:
    if running == ours:
        return f"no difference, settings {ours[:12]}"
    return (
        f"settings {running[:12]} -> {ours[:12]}: they differ only in how they are "
        "written, or in what is not shown"
    )


def _brief(value: Any) -> str:
    if value is None:
        return "nothing"
    text = codec.dumps(value).decode()
    return text if len(text) <= MAX_VALUE_SHOWN else f"{text[:MAX_VALUE_SHOWN]}…"


def _write_json(document: Any) -> None:
    click.echo(codec.dumps(document).decode())


def _fail(message: str, code: int) -> NoReturn:
    click.echo(f"error: {message}", err=True)
    raise SystemExit(code)
