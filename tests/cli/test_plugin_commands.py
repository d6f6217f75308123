from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.plugin_commands import hooks, plugins, signature_of
from gateway.plugins import hook_names

LINE = {
    "order": 0,
    "phase": "GOVERN",
    "name": "governance",
    "version": "0.1.0",
    "distribution": "gatewright-governance",
    "hooks": ["lifespan", "pre_request"],
    "on_failure": "closed",
    "timeout_s": 2.0,
    "from": {"on_failure": "settings"},
}
LIVE = {**LINE, "p50_us": 12.3, "p99_us": 45.6, "errors": 3, "last_error": "KeyError"}

PLUGIN = """
from gateway import Phase, Plugin, hookimpl


class GreetingPlugin(Plugin):
    phase = Phase.SHAPE

    @hookimpl
    async def pre_request(self, exchange):
        return None
"""


@pytest.fixture
def greeting(tmp_path, monkeypatch):
    """
    Install one plugin for this test.
    """
    info = tmp_path / "gatewright_greeting-7.dist-info"
    info.mkdir()
    (tmp_path / "greeting_of_test.py").write_text(PLUGIN)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: gatewright-greeting\nVersion: 7\n"
    )
    (info / "entry_points.txt").write_text(
        "[gateway.plugins]\ngreeting = greeting_of_test:GreetingPlugin\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GATEWRIGHT_URL", raising=False)
    Path("gateway.yaml").write_text("version: 1\nhooks: {only: [greeting]}\n")


class TestPlugins:
    def test_lists_what_serve_would_load(self, greeting):
        """
        --json is an array of what is known before anything ran.
        """
        (told,) = json.loads(CliRunner().invoke(plugins, ["--json"]).stdout)

        assert told["name"] == "greeting"
        assert told["phase"] == "SHAPE"
        assert told["version"] == "7"
        assert told["distribution"] == "gatewright-greeting"
        assert told["hooks"] == ["pre_request"]

    def test_can_be_narrowed_to_a_hook(self, greeting):
        """
        --hook leaves out plugins that do not implement it.
        """
        result = CliRunner().invoke(plugins, ["--hook", "on_event"])

        assert result.stdout == "none\n"

    def test_an_unknown_hook_is_wrong_usage(self):
        """
        The error names the hooks that there are.
        """
        result = CliRunner().invoke(plugins, ["--hook", "pre_reqest"])

        assert result.exit_code == 2
        assert "pre_request" in result.stderr

    def test_asks_the_gateway_that_runs(self, api):
        """
        With --url the times and errors of the running gateway are shown.
        """
        api.answers["GET /api/plugins"] = (200, {"plugins": [LIVE]})

        result = CliRunner().invoke(plugins, ["--url", api.url])

        assert result.stdout.splitlines()[1].endswith("12/46            3  KeyError")

    def test_the_table_has_the_promised_columns(self, api):
        """
        Order, phase, name, version, distribution, hooks, on-failure[from], timeout.
        """
        api.answers["GET /api/plugins"] = (200, {"plugins": [LINE]})

        head, line = CliRunner().invoke(plugins, ["--url", api.url]).stdout.splitlines()

        assert head.split()[:8] == [
            *("order", "phase", "name", "version", "distribution"),
            *("hooks", "on-failure[from]", "timeout"),
        ]
        assert "closed[settings]" in line
        assert "  2 s  " in line

    def test_a_plugin_that_cannot_be_loaded_is_a_fault(self, greeting):
        """
        What keeps serve from starting is told here as well.
        """
        Path("gateway.yaml").write_text("version: 1\nhooks: {required: [bogus]}\n")

        result = CliRunner().invoke(plugins, [])

        assert result.exit_code == 1
        assert "bogus" in str(result.exception)


class TestHooks:
    def test_lists_every_hook(self):
        """
        Each hook of the specification stands there with its first sentence.
        """
        told = json.loads(CliRunner().invoke(hooks, ["--json"]).stdout)

        assert [hook["name"] for hook in told] == list(hook_names())
        assert all(hook["summary"].endswith(".") for hook in told)

    def test_shows_one_in_full(self):
        """
        Signature and reference text of one hook.
        """
        result = CliRunner().invoke(hooks, ["pre_request"])

        assert result.stdout.startswith(
            "async def pre_request(self, exchange: Exchange)"
        )
        assert "Raises:" in result.stdout

    def test_an_unknown_one_is_wrong_usage(self):
        """
        A name that is no hook is exit 2.
        """
        assert CliRunner().invoke(hooks, ["bogus"]).exit_code == 2


def test_signature_says_the_colour():
    """
    A hook that may not wait is written with def.
    """
    assert signature_of("on_event").startswith("def on_event(self, event: Event)")
