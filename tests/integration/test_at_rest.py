"""
What a gateway at rest does without: memory that every process would take for nothing.

How much that is says ``python contrib/bench --measures memory``; here stands why.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SETTINGS = {
    "version": 1,
    "server": {"listen": "127.0.0.1:0"},
    "providers": {
        "local": {
            "type": "openai-compatible",
            "base_url": "http://127.0.0.1:9/v1",
            "auth": "none",
        }
    },
    "hooks": {"only": []},
}
#: Serves, and when it is ready says what is imported.
SERVE = """
import json, os, signal, sys
from gateway.server import serve

def announce(started, gateway):
    assert gateway.runtime.providers and len(gateway.runtime.catalog)
    print(json.dumps(sorted(sys.modules)), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)

serve.announce = announce
from gateway.cli import main
main()
"""


@pytest.fixture(name="imported", scope="module")
def _imported(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """
    The modules of a gateway that is ready, and was asked for nothing yet.
    """
    folder = tmp_path_factory.mktemp("rest")
    file = folder / "gateway.yaml"
    file.write_text(json.dumps(SETTINGS))
    options = ["--config", str(file), "--data-dir", str(folder / "state")]
    said = subprocess.run(
        [sys.executable, "-c", SERVE, "serve", *options],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return set(json.loads(said.stdout))


def test_it_has_what_it_serves_with(imported):
    """
    The list is one of a gateway that serves.
    """
    assert {"aiohttp.web", "gateway.relay", "gateway.upstream"} <= imported


@pytest.mark.parametrize(
    ("unneeded", "until"),
    [
        ("yaml", "the settings are read again"),
        ("importlib.metadata", "the settings are read again"),
        ("gateway.settings.document", "the settings are read again"),
        ("gateway.neutral", "something is translated"),
        ("gateway.translation", "something is translated"),
        ("gateway.assembly", "something is translated"),
        ("difflib", "somebody makes a mistake"),
        ("sqlalchemy", "a plugin opens the storage"),
        ("gateway.testing", "there are tests"),
        ("gateway.server.supervisor", "there are several processes"),
    ],
)
def test_it_does_without(imported, unneeded, until):
    """
    What is needed only later is imported only then.
    """
    assert unneeded not in imported, f"not needed until {until}"


def test_no_half_that_translates_is_there(imported):
    """
    Readers and writers of the neutral form wait for the first request that needs them.
    """
    halves = ("read_", "write_ask", "write_blocks", "write_turns", "stream_", "answer")
    dialects = {
        name.rpartition(".")[2]
        for name in imported
        if name.startswith("gateway.dialects.")
    }

    found = {name for name in dialects if name.startswith(halves)}

    assert found <= {"answer_texts"}
