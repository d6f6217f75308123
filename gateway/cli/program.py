"""
The program: which commands there are, and how errors are told.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from gateway.errors import GatewayError
from gateway.server.lean import import_structlog

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gateway.plugins import FoundPlugin

FAULT: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3


@attrs.frozen
class Lazy:
    """
    A command that is imported when it is used.

    Attributes:
        where: ``module:attribute``.
        help: One sentence for the list of commands.
    """

    where: str
    help: str

    def load(self) -> click.Command:
        """
        Import it.
        """
        import_structlog()
        module, _, name = self.where.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


_SETTINGS: Final = "gateway.cli.settings_commands"
_PLUGINS: Final = "gateway.cli.plugin_commands"
_CLIENT: Final = "gateway.cli.client_commands"

COMMANDS: Final[Mapping[str, Lazy]] = {
    "serve": Lazy("gateway.cli.serve_command:serve", "Serve callers."),
    "check": Lazy(f"{_SETTINGS}:check", "Say what is wrong with a settings file."),
    "init": Lazy(f"{_SETTINGS}:init", "Write a settings file to begin with."),
    "schema": Lazy(f"{_SETTINGS}:schema", "Write the settings file's JSON Schema."),
    "diff": Lazy(f"{_SETTINGS}:diff", "Compare a file with a running gateway."),
    "plugins": Lazy(f"{_PLUGINS}:plugins", "List the plugins, outermost first."),
    "hooks": Lazy(f"{_PLUGINS}:hooks", "Show what a plugin may implement."),
    "new-plugin": Lazy(
        "gateway.cli.new_plugin_command:new_plugin", "Write a plugin to begin with."
    ),
    "explain": Lazy(
        "gateway.cli.explain_command:explain", "Say what becomes of a request."
    ),
    "status": Lazy(f"{_CLIENT}:status", "Ask a running gateway how it is."),
    "reload": Lazy(f"{_CLIENT}:reload", "Let a running gateway read its settings."),
    "fake-upstream": Lazy(
        "gateway.testing.fake_command:fake_upstream_command",
        "Serve a provider that is none, for tests.",
    ),
}


class Program(click.Group):
    """
    The core's commands and the plugins', each imported when it is used.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """
        Name every command; a plugin whose commands cannot be had is told of.
        """
        commands, problems = plugin_commands()
        _tell(problems)
        return [*COMMANDS, *sorted(commands)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """
        Import the command *cmd_name*; plugins are looked at only for names not ours.
        """
        lazy = COMMANDS.get(cmd_name)
        if lazy is not None:
            return lazy.load()
        commands, problems = plugin_commands()
        found = commands.get(cmd_name)
        if found is None:
            _tell(problems)
        return found

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """
        List the commands without importing the core's own.
        """
        commands, problems = plugin_commands()
        _tell(problems)
        width = formatter.width - 6 - max(map(len, (*COMMANDS, *commands)))
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.help) for name, lazy in COMMANDS.items()])
        if commands:
            with formatter.section("Commands of plugins"):
                formatter.write_dl(
                    [
                        (name, command.get_short_help_str(width))
                        for name, command in sorted(commands.items())
                    ]
                )


def plugin_commands(
    found: Sequence[FoundPlugin] | None = None,
) -> tuple[dict[str, click.Command], list[str]]:
    """
    Collect the commands that plugins register, each constructed with its defaults.

    Args:
        found: Instead of the installed plugins.

    Returns:
        The commands by name, and what is wrong with plugins whose commands are missing.
    """
    from gateway.plugins import find_plugins, implemented

    problems: list[str] = []
    if found is None:
        found, errors = find_plugins()
        problems += [str(error) for error in errors]
    commands: dict[str, click.Command] = {}
    owners = dict.fromkeys(COMMANDS, "the core")
    for plugin in found:
        if "register_commands" not in implemented(plugin.cls):
            continue
        try:
            registered = list(plugin.cls(plugin.cls.Settings()).register_commands())
        except Exception as exc:  # noqa: BLE001 - one broken plugin hides nothing else
            problems.append(
                f"plugin {plugin.name}: its commands raise {type(exc).__name__}"
            )
            continue
        for name, command in _named(registered):
            if name in owners:
                problems.append(
                    f"plugin {plugin.name}: the command {name} is "
                    f"{_of(owners[name])} already"
                )
                continue
            owners[name] = plugin.name
            commands[name] = command
    return commands, problems


def _named(commands: Iterable[Any]) -> Iterable[tuple[str, click.Command]]:
    return [(command.name, command) for command in commands if command.name]


def _of(owner: str) -> str:
    return "the core's" if owner == "the core" else f"of plugin {owner}"


def _tell(problems: Iterable[str]) -> None:
    ctx = click.get_current_context(silent=True)
    told = ctx.find_root().meta.setdefault("gateway.told", set()) if ctx else set()
    for problem in problems:
        if problem not in told:
            told.add(problem)
            click.echo(f"error: {problem}", err=True)


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from gateway.installation import gateway_version

    click.echo(f"gatewright {gateway_version()}")
    ctx.exit()


@click.command(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 well, 1 fault found, 2 wrong usage, 3 gateway not reached.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def program() -> None:
    """
    Gatewright, an AI gateway that you build out of plugins.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """
    Run the command line; errors are one line each, never a traceback.
    """
    try:
        code = program.main(
            args=None if arguments is None else list(arguments),
            prog_name="gatewright",
            standalone_mode=False,
        )
    except click.exceptions.Abort:
        code = 130
    except click.ClickException as exc:
        exc.show()
        code = exc.exit_code
    except GatewayError as exc:
        fail(exc)
    except BrokenPipeError:
        # Whoever read our output had enough.
        sys.stderr.close()
        code = FAULT
    sys.exit(code if isinstance(code, int) else 0)


def fail(exc: GatewayError) -> None:
    """
    Tell of *exc*, one line for each problem, and exit with `FAULT`.
    """
    for line in str(exc).splitlines():
        click.echo(f"error: {line}", err=True)
    raise SystemExit(FAULT)


if __name__ == "__main__":
    main()
