"""
The fake shares nothing with what it is there to test.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import gateway.testing.fake

FOLDER = Path(gateway.testing.fake.__file__).parent
SOURCES = [*sorted(FOLDER.glob("*.py")), FOLDER.parent / "fake_command.py"]


def imports_of(source):
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield node.module


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_imports_nothing_of_the_gateway(source):
    """
    Of the gateway's modules only the test kit's own are imported.
    """
    own = [name for name in imports_of(source) if name.split(".")[0] == "gateway"]

    assert [name for name in own if not name.startswith("gateway.testing.")] == []


def test_needs_no_sdk():
    """
    The vendors' clients judge the fake; it does not lean on them.
    """
    code = "import sys, gateway.testing.fake; print({'openai', 'anthropic'} & set(sys.modules))"

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        cwd=FOLDER.parents[2],
        text=True,
    )

    assert done.stdout.strip() == "set()"
