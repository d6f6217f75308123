"""
Programs without what they never use.
"""

from __future__ import annotations

import linecache
import subprocess
import sys
from importlib.util import find_spec

import attrs
import pytest

from gateway.server.lean import forget_sources


def run(code: str) -> str:
    """
    Run *code* in a Python of its own; return what it printed.
    """
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("unused", ["rich", "greenlet"])
def test_imports_structlog_without_what_it_would_use(unused):
    """
    Structlog is there, and the other is not, although it is installed.
    """
    assert find_spec(unused)

    said = run(
        "import sys; from gateway.server.lean import import_structlog\n"
        "import_structlog()\n"
        f"print('structlog' in sys.modules, {unused!r} in sys.modules)"
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


def test_forgets_the_sources_of_what_attrs_wrote():
    """
    The methods stay; what a debugger would show of them is gone.
    """

    @attrs.frozen
    class Point:
        x: int

    written = Point.__init__.__code__.co_filename
    assert linecache.getline(written, 1)

    forget_sources()

    assert not linecache.getline(written, 1)
    assert Point(1) == Point(1)
