from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from gateway import Phase, Plugin, hookimpl
from gateway.cli import program as program_module
from gateway.cli.program import COMMANDS, main, plugin_commands, program
from gateway.errors import ConfigError, Problem
from gateway.plugins import FoundPlugin


def plugin_with(*names: str, name: str = "toy") -> FoundPlugin:
    class ToyPlugin(Plugin):
        phase = Phase.OBSERVE

        @hookimpl
        def register_commands(self):
            return [click.Command(name, help=f"Does {name}.") for name in names]

    return FoundPlugin(name=name, cls=ToyPlugin)


class BrokenPlugin(Plugin):
    phase = Phase.OBSERVE

    @hookimpl
    def register_commands(self):
        raise RuntimeError("sk-secret")


BROKEN = FoundPlugin(name="broken", cls=BrokenPlugin)


@pytest.fixture
def installed(monkeypatch):
    """
    Let other plugins than the installed ones be found.
    """

    def install(*plugins: FoundPlugin) -> None:
        real = plugin_commands

        monkeypatch.setattr(
            program_module, "plugin_commands", lambda found=None: real(plugins)
        )

    return install


class TestCore:
    @pytest.mark.parametrize("name", COMMANDS)
    def test_every_command_has_help(self, name):
        """
        Each command of the table can be imported and tells how it is used.
        """
        result = CliRunner().invoke(program, [name, "--help"])

        assert result.exit_code == 0
        assert "Usage:" in result.stdout

    @pytest.mark.parametrize(
        "name", [n for n in COMMANDS if n not in {"serve", "fake-upstream"}]
    )
    def test_every_command_speaks_json_and_can_be_quiet(self, name):
        """
        --json and -q are everywhere.
        """
        result = CliRunner().invoke(program, [name, "--help"])

        assert "--json" in result.stdout
        assert "-q, --quiet" in result.stdout

    def test_version_is_told(self):
        """
        --version names the program and its version.
        """
        from gateway.installation import gateway_version

        result = CliRunner().invoke(program, ["--version"])

        assert result.stdout == f"gatewright {gateway_version()}\n"

    def test_help_imports_no_server(self):
        """
        Asking for help costs neither aiohttp nor the dialects.
        """
        code = (
            "import sys; from gateway.cli import main\n"
            "try: main(['--version'])\n"
            "except SystemExit: pass\n"
            "print(sorted({'aiohttp', 'structlog', 'sqlalchemy'} & set(sys.modules)))"
        )

        told = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, text=True
        )

        assert told.stdout.splitlines()[-1] == "[]"


class TestErrors:
    def test_an_unknown_command_is_wrong_usage(self, capsys):
        """
        Wrong usage is exit 2.
        """
        with pytest.raises(SystemExit) as caught:
            main(["no-such-command"])

        assert caught.value.code == 2

    def test_faults_are_lines_without_a_traceback(self, capsys, monkeypatch):
        """
        Whatever a command finds wrong is told line by line, with exit 1.
        """

        def fail(*args, **kwargs):
            raise ConfigError([Problem("one"), Problem("two")])

        monkeypatch.setattr(program, "main", fail)

        with pytest.raises(SystemExit) as caught:
            main([])

        assert caught.value.code == 1
        assert capsys.readouterr().err == "error: one\nerror: two\n"


class TestPlugins:
    def test_commands_are_listed_and_run(self, installed):
        """
        A plugin's command stands in the help and can be called.
        """
        installed(plugin_with("greet"))

        listed = CliRunner().invoke(program, ["--help"])
        called = CliRunner().invoke(program, ["greet", "--help"])

        assert "greet" in listed.stdout
        assert "Does greet." in called.stdout

    def test_a_broken_plugin_breaks_nothing_else(self, installed):
        """
        It is told of, without its words, and the rest of the command line works.
        """
        installed(BROKEN, plugin_with("greet"))

        result = CliRunner().invoke(program, ["--help"])

        assert result.exit_code == 0
        assert "greet" in result.stdout
        assert "plugin broken: its commands raise RuntimeError" in result.stderr
        assert "sk-secret" not in result.stderr

    def test_a_name_taken_twice_names_both(self):
        """
        Two plugins with one command are told by name, and the first keeps it.
        """
        first, second = plugin_with("greet", name="a"), plugin_with("greet", name="b")

        commands, problems = plugin_commands([first, second])

        assert list(commands) == ["greet"]
        assert problems == ["plugin b: the command greet is of plugin a already"]

    def test_the_cores_names_are_its_own(self):
        """
        No plugin replaces a command of the core.
        """
        commands, problems = plugin_commands([plugin_with("serve")])

        assert commands == {}
        assert problems == ["plugin toy: the command serve is the core's already"]
