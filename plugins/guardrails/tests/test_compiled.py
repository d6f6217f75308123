"""
What a wheel has compiled to C: all that is named, and it finds the same.

Marked ``compiled``: ``tox run -e compiled`` runs it against an installed wheel.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from configparser import ConfigParser
from importlib.metadata import files
from pathlib import Path

import pytest
from mixed_examples import found

FOLDER = Path(__file__).resolve().parent.parent
TOLD = ConfigParser()
TOLD.read(FOLDER / "mypyc.ini")
NAMED = sorted(
    path.relative_to(FOLDER).with_suffix("").as_posix().replace("/", ".")
    for pattern in TOLD["compile"]["modules"].split()
    for path in FOLDER.joinpath("gateway_guardrails").glob(pattern)
)
PATIENCE_S = 60.0

pytestmark = [pytest.mark.compiled, pytest.mark.needs_compiler]


@pytest.mark.parametrize("name", NAMED)
def test_what_is_named_is_compiled(name):
    """
    No module is left out.
    """
    file = str(importlib.import_module(name).__file__)

    assert not file.endswith(".py")


def test_holds_its_sources_and_nothing_else():
    """
    Beside each module that is compiled stands what it was compiled from.
    """
    names = {str(path) for path in files("gatewright-guardrails") or ()}

    package = "gateway_guardrails"
    ours = (f"{package}/", f"{package}__mypyc.", "gatewright_guardrails-")
    beside = {name for name in names if not name.startswith(ours)}
    shared = [name for name in names if name.startswith(f"{package}__mypyc.")]
    assert beside == set()
    assert len(shared) == 1
    assert {f"{name.replace('.', '/')}.py" for name in NAMED} <= names


def test_finds_what_its_sources_find():
    """
    Compiled or not, each find is the same.
    """
    done = subprocess.run(
        [sys.executable, FOLDER / "tests" / "mixed_examples.py"],
        env={**os.environ, "PYTHONPATH": str(FOLDER)},
        capture_output=True,
        check=True,
        timeout=PATIENCE_S,
    )
    sources = json.loads(done.stdout)

    assert not sources["is_compiled"]
    assert sum(map(len, sources["found"])) > 1000
    assert sources["found"] == json.loads(json.dumps(found()))
