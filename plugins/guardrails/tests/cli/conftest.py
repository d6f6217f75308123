"""
Commands here, or against a gateway that runs in the test's own loop.
"""

from __future__ import annotations

import asyncio
import json

import pytest
from click.testing import CliRunner

from gateway_guardrails.cli import commands


class Cli:
    """
    Runs commands beside the loop in which the gateway runs.
    """

    def __init__(self, url=None):
        self.url = url

    async def run(self, *words, stdin=None, code=0):
        """
        Run ``gatewright guardrails`` with *words*; return what it said.
        """
        told = await asyncio.to_thread(self.invoke, *words, stdin=stdin)
        assert told.exit_code == code, (told.output, told.exception)
        return told.output

    async def json(self, *words, code=0):
        return json.loads(await self.run(*words, "--json", code=code))

    def invoke(self, *words, stdin=None):
        (command,) = commands()
        env = {"GATEWRIGHT_URL": self.url, "GATEWRIGHT_TOKEN": None}
        return CliRunner(env=env).invoke(command, words, stdin)


@pytest.fixture
def cli(guarded):
    """
    The commands, of a gateway that runs.
    """
    return Cli(guarded.client.url)


@pytest.fixture
def here(tmp_path, monkeypatch, detectors):
    """
    The commands where no gateway runs, with the tests' detectors as the plugin's own.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("gateway_guardrails.plugin.DETECTORS", detectors)
    return Cli("http://127.0.0.1:9")


@pytest.fixture
def file(tmp_path):
    """
    A settings file with rules.
    """
    file = tmp_path / "gateway.yaml"
    file.write_text(
        "hooks: {only: [guardrails]}\n"
        "plugins:\n"
        "  guardrails:\n"
        "    rules:\n"
        "      birds: {detectors: [word], action: block}\n"
        "      songs:\n"
        "        detectors: [{type: word, word: song, severity: low}]\n"
        "        action: redact\n"
        "        severity: high\n"
        "      off: {detectors: [word], action: flag, enabled: false}\n"
    )
    return file
