"""
Both type checkers find what an author may get wrong in what ``gatewright new-plugin`` wrote.

Marked ``types`` and run by ``tox run -e types``, where the checkers are.  pyright comes as
basedpyright, in its standard mode: the same checker, in a wheel that fetches nothing when it runs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.new_plugin_command import rendered

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 300
PLUGIN = "gateway_example/plugin.py"

#: What somebody writes who did not look: what stands there, and what stands there instead.
MISTAKES = {
    "a wrong argument": (
        "async def pre_request(self, exchange: Exchange)",
        "async def pre_request(self, exchange: Attempt)",
    ),
    "a wrong return type": (
        "async def pre_request(self, exchange: Exchange) -> Answer | None:",
        "async def pre_request(self, exchange: Exchange) -> bytes | None:",
    ),
    "def for async def": ("async def pre_request(", "def pre_request("),
}

pytestmark = pytest.mark.types


def written(folder: Path, old: str = "", new: str = "") -> Path:
    """
    Write the template into *folder*, with *new* for *old* in the plugin.
    """
    for path, text in rendered("example").items():
        if path == PLUGIN and old:
            assert old in text
            text = text.replace(old, new)
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return folder


def errors_of_mypy(folder: Path) -> list[tuple[str, str]]:
    """
    Return file and code of each error that mypy --strict finds.
    """
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--output", "json"),
            *("--config-file", "", "--cache-dir", folder.parent / "cache"),
            *("-p", "gateway_example"),
        ],
        cwd=folder,
        env={"MYPYPATH": f"{folder}:{ROOT}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    lines = done.stdout.splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{")]
    return [
        (Path(each["file"]).name, each["code"])
        for each in found
        if each["severity"] == "error"
    ]


def errors_of_pyright(folder: Path) -> list[tuple[str, str]]:
    """
    Return file and rule of each error that pyright finds.
    """
    settings = {
        "typeCheckingMode": "standard",
        "include": ["gateway_example"],
        "extraPaths": [str(ROOT)],
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "basedpyright", "--outputjson"),
            *("--pythonpath", sys.executable, "-p", folder),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    found = json.loads(done.stdout)["generalDiagnostics"]
    return [
        (Path(each["file"]).name, each["rule"])
        for each in found
        if each["severity"] == "error"
    ]


CHECKERS = {
    "mypy": (errors_of_mypy, "override"),
    "pyright": (errors_of_pyright, "reportIncompatibleMethodOverride"),
}


@pytest.mark.parametrize("checker", CHECKERS)
def test_the_template_itself_is_right(tmp_path, checker):
    """
    What an author begins with has no error.
    """
    errors_of, _ = CHECKERS[checker]

    assert errors_of(written(tmp_path)) == []


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_it_is_found(tmp_path, checker, name):
    """
    In the file in which it stands, as an override that does not fit.
    """
    errors_of, code = CHECKERS[checker]

    errors = errors_of(written(tmp_path, *MISTAKES[name]))

    assert ("plugin.py", code) in errors
    assert {file for file, _ in errors} == {"plugin.py"}
