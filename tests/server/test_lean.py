"""
Programs without what they never use.
"""

from __future__ import annotations

import subprocess
import sys


def run(code: str) -> str:
    """
    Run *code* in a Python of its own; return what it printed.
    """
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_imports_structlog_without_its_colours():
    """
    Structlog is there, and rich is not, although it is installed.
    """
    said = run(
        "import sys; from gateway.server.lean import import_structlog\n"
        "import_structlog()\n"
        "print('structlog' in sys.modules, 'rich' in sys.modules)"
    )

    assert said.split() == ["True", "False"]


def test_hides_nothing_from_others():
    """
    Whoever wants rich for itself imports it as ever.
    """
    said = run(
        "from gateway.server.lean import import_structlog\n"
        "import_structlog()\n"
        "import rich.console; print(rich.console.Console.__name__)"
    )

    assert said.strip() == "Console"


def test_leaves_alone_what_was_imported():
    """
    A program that has structlog already keeps it as it is.
    """
    said = run(
        "import sys, structlog; from gateway.server.lean import import_structlog\n"
        "before = dict(sys.modules)\n"
        "import_structlog()\n"
        "print(before == dict(sys.modules))"
    )

    assert said.strip() == "True"
