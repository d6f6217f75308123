"""
Commands against a gateway that runs in the test's own loop.
"""

from __future__ import annotations

import asyncio
import json

import pytest
from click.testing import CliRunner

from gateway_governance.cli import commands


class Cli:
    """
    Runs commands beside the loop in which the gateway runs.
    """

    def __init__(self, url):
        self.url = url

    async def run(self, *words, stdin=None, code=0):
        """
        Run ``gatewright`` with *words*; return what it said.
        """
        told = await self.result(*words, stdin=stdin)
        assert told.exit_code == code, told.output
        return told.output

    async def json(self, *words, code=0):
        return json.loads(await self.run(*words, "--json", code=code))

    async def result(self, *words, stdin=None):
        name, *rest = words
        (command,) = [one for one in commands() if one.name == name]
        runner = CliRunner(env={"GATEWRIGHT_URL": self.url, "GATEWRIGHT_TOKEN": None})
        return await asyncio.to_thread(runner.invoke, command, rest, stdin)


@pytest.fixture
def cli(gov):
    """
    The commands, of a gateway that runs.
    """
    return Cli(gov.client.url)


@pytest.fixture
def alone():
    """
    The commands, without a gateway.
    """
    return Cli("http://127.0.0.1:9")
