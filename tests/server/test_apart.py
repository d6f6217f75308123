"""
Reading in a child: the same comes back, and nothing stays.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gateway.errors import ConfigError, Problem
from gateway.server.apart import apart

WRONG = ConfigError(
    [Problem("is wrong", path="a.b", where="f:1:2"), Problem("as well")]
)


def refuse() -> None:
    raise WRONG


def test_a_child_reads():
    """
    Its value comes back, and it is not this process that read.
    """
    reader, value = apart(lambda: (os.getpid(), {"a": [1, None]}))

    assert reader != os.getpid()
    assert value == {"a": [1, None]}
    with pytest.raises(ChildProcessError):
        os.waitpid(reader, os.WNOHANG)


def test_more_than_a_pipe_holds_comes_back():
    """
    Settings with thousands of keys are megabytes.
    """
    assert len(apart(lambda: b"x" * 3_000_000)) == 3_000_000


def test_what_is_wrong_is_raised_here():
    """
    With every problem and its place.
    """
    with pytest.raises(ConfigError) as raised:
        apart(refuse)

    assert raised.value.problems == WRONG.problems
    assert str(raised.value) == str(WRONG)


def test_a_fault_is_told_by_the_child(capfd):
    """
    Its traceback is the child's to show; nothing is taken for settings.
    """
    with pytest.raises(ChildProcessError, match="did not end well"):
        apart(lambda: 1 / 0)

    assert "ZeroDivisionError" in capfd.readouterr().err


def test_a_child_that_is_killed_is_no_value():
    """
    Whoever runs out of memory there has read nothing.
    """
    with pytest.raises(ChildProcessError, match="did not end well"):
        apart(lambda: os.kill(os.getpid(), signal.SIGKILL))


def test_a_process_with_threads_reads_itself():
    """
    A child would have their locks, and not the threads that open them.
    """
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert apart(os.getpid) == os.getpid()
    finally:
        done.set()
        thread.join()


def test_where_no_process_is_to_be_had_it_reads_itself(monkeypatch):
    """
    A limit keeps nobody from starting, and nothing stays open.
    """

    def refuse_to_fork() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", refuse_to_fork)
    before = len(list(Path("/dev/fd").iterdir()))

    assert apart(os.getpid) == os.getpid()
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_the_ends_of_the_program_are_the_parents():
    """
    What is to be done at the end is done once, and what was to be written is written once.
    """
    code = (
        "import atexit; from gateway.server.apart import apart\n"
        "atexit.register(print, 'end'); print('begin'); print(apart(lambda: 1))"
    )

    said = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )

    assert said.stdout.split() == ["begin", "1", "end"]
