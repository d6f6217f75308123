"""
The fixtures as an author of a plugin has them: in a suite that knows nothing of this tree.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 60
# As pytest loads it by its entry point; blocked, so that it is not there twice.
LOADED = ("-p", "no:gateway", "-p", "gateway.testing.pytest_plugin")

SUITE = """
from gateway import Plugin, hookimpl
from gateway.testing import HookRecorder

CHAT = {"model": "openai/m", "messages": [{"role": "user", "content": "hi"}]}


class Loud(Plugin):
    @hookimpl
    async def pre_request(self, exchange):
        text = exchange.request.texts()[-1]
        text.replace(text.value.upper())


async def test_exchange(exchange):
    await Loud(Loud.Settings()).pre_request(exchange)
    assert exchange.request.texts()[-1].value == "HI"


async def test_client(gateway_client, fake_upstream, recorded_hooks):
    client = await gateway_client(Loud, HookRecorder, routing={"retries": 0})
    answer = await client.post("/v1/chat/completions", CHAT)
    assert answer.json["choices"][0]["message"]["content"] == "echo: HI"
    assert len(fake_upstream.requests) == 1
    assert recorded_hooks(client).names().count("on_complete") == 1


async def test_two_gateways(gateway_client):
    one, two = await gateway_client(), await gateway_client(Loud)
    assert one.url != two.url


async def test_no_recorder(gateway_client, recorded_hooks):
    client = await gateway_client(Loud)
    try:
        recorded_hooks(client)
    except LookupError as exc:
        assert "HookRecorder" in str(exc)
    else:
        raise AssertionError
"""

# pytest loads the fixtures in every run, and most are not about a gateway.
UNTOUCHED = """
import sys


def test_no_server_is_imported_before_it_is_asked_for():
    assert {"aiohttp", "gateway.app", "gateway.testing.client"}.isdisjoint(sys.modules)
"""


def run(folder: Path, suite: str) -> tuple[int, str]:
    """
    Run *suite* in a process of its own, with the fixtures as pytest finds them.
    """
    (folder / "test_suite.py").write_text(suite)
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *LOADED],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("suite", "passed"), [(SUITE, 4), (UNTOUCHED, 1)], ids=["fixtures", "imports"]
)
def test_an_authors_suite_passes(tmp_path, suite, passed):
    """
    Every fixture does what its docstring says, and costs nothing until then.
    """
    status, said = run(tmp_path, suite)

    assert status == 0, said
    assert f"{passed} passed" in said
