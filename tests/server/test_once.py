from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway import ProcessSpec
from gateway.server.once import find_target, order_line
from gateway.settings import Settings, settings_from_dict

PROGRAM = """
import asyncio, sys

def tell(word):
    print(word, flush=True)

async def tell_later(word):
    await asyncio.sleep(0)
    print(word, flush=True)

def wait(word):
    import signal
    print(word, flush=True)
    signal.pause()
"""


@pytest.fixture
def run_once(tmp_path):
    """
    Start a process that runs one function of a module.
    """
    (tmp_path / "program_of_test.py").write_text(PROGRAM)
    started = []

    def run(function: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway.server.once"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path.cwd())]),
            },
        )
        started.append(process)
        spec = ProcessSpec(
            name="toy", target=f"program_of_test:{function}", arguments={"word": "hi"}
        )
        assert process.stdin is not None
        process.stdin.write(order_line(spec, Settings(), tmp_path))
        process.stdin.flush()
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("function", ["tell", "tell_later"], ids=["def", "async-def"])
def test_calls_the_function_with_its_arguments(run_once, function):
    """
    Functions of both colours run to their end.
    """
    process = run_once(function)

    assert process.stdout.readline() == b"hi\n"
    assert process.wait(30) == 0


def test_ends_with_its_supervisor(run_once):
    """
    When the supervisor's end of the pipe closes, the process is told to end.
    """
    process = run_once("wait")
    process.stdout.readline()

    process.stdin.close()

    assert process.wait(30) == -15
    process.stdin = None


def test_order_is_one_line():
    """
    However long the arguments, the order is one line of JSON.
    """
    spec = ProcessSpec(name="x", target="a:b", arguments={"text": "one\ntwo"})

    settings = settings_from_dict({"server": {"log": {"level": "debug"}}})

    line = order_line(spec, settings, Path("/data"))

    assert line.count(b"\n") == 1
    assert json.loads(line)["log"]["level"] == "debug"


def test_arguments_may_depend_on_the_data_directory_and_the_settings():
    """
    A plugin knows neither when it registers.
    """

    def arguments(data_dir, settings):
        return {"folder": str(data_dir), "workers": settings.server.workers}

    spec = ProcessSpec(name="x", target="a:b", arguments=arguments)
    settings = settings_from_dict({"server": {"workers": 3}})

    line = order_line(spec, settings, Path("/data"))

    assert json.loads(line)["arguments"] == {"folder": "/data", "workers": 3}


@pytest.mark.parametrize("target", ["json", "json:nothing"], ids=["no-name", "unknown"])
def test_a_target_that_is_none_is_told(target):
    """
    The error names the target.
    """
    with pytest.raises(ImportError, match=target):
        find_target(target)
