"""
The first screen of the README, done line by line as somebody new would do it.

Marked ``wheels``: it installs this tree by the README's own command.  Only ports are changed, for
8080 may be somebody else's.
"""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 300.0
SAID = "You said: hi"
NO_KEYS = """
version: 1
providers: {demo: {}}
plugins: {governance: {require_key: false}}
"""
LEFT_BEHIND = shutil.ignore_patterns(
    "build", "*.egg-info", "__pycache__", ".*_cache", ".tox", ".venv", ".git", "wt"
)

pytestmark = [pytest.mark.wheels, pytest.mark.needs_curl]


def blocks(language: str) -> list[str]:
    """
    Return the README's code blocks in *language*, in order.
    """
    page = (ROOT / "README.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def block_with(language: str, sign: str) -> str:
    """
    Return the one block in which *sign* stands.
    """
    (found,) = (block for block in blocks(language) if sign in block)
    return found


@attrs.frozen
class Newcomer:
    """
    Somebody in a fresh checkout, with a shell.
    """

    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        kept = ("PATH", "HOME", "LANG", "PIP_INDEX_URL", "PIP_CONFIG_FILE", "TMPDIR")
        named = {name: os.environ[name] for name in kept if name in os.environ}
        # What wheels compile is test_wheels' and takes a minute.
        return {
            **named,
            "GATEWRIGHT_COMPILE": "0",
            "XDG_STATE_HOME": str(self.folder / "state"),
        }

    def begin(self, command: str, **environ: str) -> subprocess.Popen[str]:
        with (self.folder / "log").open("w") as log:
            return subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", command],
                cwd=self.folder,
                env={**self.environ, **environ},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def run(self, command: str, **environ: str) -> str:
        process = self.begin(command, **environ)
        told, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, (command, told, self.log)
        return told

    def python(self, source: str) -> str:
        (self.folder / "first.py").write_text(source)
        return self.run(".venv/bin/python first.py")

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()


def ended(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, 15)
    try:
        process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.communicate(timeout=30)
        raise


@pytest.fixture(scope="module", name="newcomer")
def _newcomer(tmp_path_factory: pytest.TempPathFactory) -> Newcomer:
    folder = tmp_path_factory.mktemp("checkout") / "gatewright"
    shutil.copytree(ROOT, folder, ignore=LEFT_BEHIND)
    # The command says python3: here that is whoever runs the tests.
    shims = folder / "bin"
    shims.mkdir()
    (shims / "python3").symlink_to(sys.executable)
    return Newcomer(folder)


@pytest.fixture(scope="module", name="url")
def _url(newcomer: Newcomer) -> Iterator[str]:
    """
    Install and serve, by the one line; yields where it says that it serves.
    """
    command = block_with("sh", "gatewright serve").strip()
    assert command.endswith("gatewright serve")
    process = newcomer.begin(f"{command} --listen 127.0.0.1:0")
    try:
        assert process.stdout
        ready, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
        line = process.stdout.readline() if ready else ""
        assert line, newcomer.log
        yield json.loads(line)["calls"].removesuffix("/v1")
    finally:
        ended(process)


def at(text: str, url: str) -> str:
    """
    Let *text* ask the gateway at *url* instead of the one at 8080.
    """
    assert "127.0.0.1:8080" in text
    return text.replace("127.0.0.1:8080", url.removeprefix("http://"))


def test_the_curl_line_is_answered(newcomer, url):
    """
    Offline, by the demo provider.
    """
    told = newcomer.run(at(block_with("sh", "curl"), url))

    assert SAID in json.loads(told)["choices"][0]["message"]["content"]


def test_the_openai_lines_print_the_answer(newcomer, url):
    """
    With the SDK as pip brings it.
    """
    newcomer.run("python3 -m pip --python .venv install -q openai")

    told = newcomer.python(at(block_with("python", "from openai import"), url))

    assert SAID in told


def test_the_settings_file_is_right(newcomer, url):
    """
    ``gatewright check`` finds nothing in it.
    """
    (newcomer.folder / "gateway.yaml").write_text(block_with("yaml", "version: 1"))
    keys = {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k", "VK_ME": "v" * 40}

    newcomer.run(".venv/bin/gatewright check gateway.yaml", **keys)


def test_the_embedded_lines_serve(newcomer, url):
    """
    The gateway within an application of one's own.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (newcomer.folder / "gateway.yaml").write_text(NO_KEYS)
    source = block_with("python", "add_subapp")
    assert "port=8080" in source
    (newcomer.folder / "own.py").write_text(source.replace("8080", str(port)))
    asked = block_with("sh", "curl").replace("127.0.0.1:8080", f"127.0.0.1:{port}/ai")
    process = newcomer.begin(".venv/bin/python -u own.py")
    try:
        assert process.stdout
        ready, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
        assert ready, newcomer.log
        assert "Running on" in process.stdout.readline(), newcomer.log

        told = newcomer.run(asked)
    finally:
        ended(process)

    assert SAID in json.loads(told)["choices"][0]["message"]["content"]
