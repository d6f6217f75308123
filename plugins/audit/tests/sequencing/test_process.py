"""
The sequencer as the supervisor starts it, and ends it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway_audit.sequencing.precedence import NICE
from gateway_audit.sequencing.status import read_status
from gateway_audit.tlog.notes import VerifierKey


def lines(count):
    return [b"entry %d" % at for at in range(count)]


@pytest.fixture
def start(audit):
    """
    Start the process with arguments.
    """
    started = []

    def begin(**arguments):
        child = subprocess.Popen(
            [sys.executable, "-m", "gateway.server.once"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        started.append(child)
        order = {
            "target": "gateway_audit.sequencing.process:run",
            "arguments": {"folder": str(audit.folder), **arguments},
            "log": {"format": "json", "level": "info"},
        }
        child.stdin.write(json.dumps(order).encode() + b"\n")
        child.stdin.flush()
        return child

    yield begin
    for child in started:
        child.kill()
        child.wait()
        child.stdin.close()
        child.stdout.close()


def wait_for(holds, within_s=20):
    """
    Look until *holds*.
    """
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "in vain"
        time.sleep(0.01)


def size_of(audit):
    try:
        return audit.signed().checkpoint.size
    except FileNotFoundError:
        return -1


def test_it_follows_the_spool_and_ends_when_it_is_told_to(audit, start):
    """
    Entries are signed while it runs; what is left is taken before it ends with 0.
    """
    audit.write("wa", lines(10))
    child = start(origin="gw.example/log")
    wait_for(lambda: size_of(audit) == 10)
    audit.write("wb", lines(500))

    child.terminate()
    output, _ = child.communicate(timeout=20)

    assert child.returncode == 0, output
    assert size_of(audit) == 510
    assert b"PRIVATE" not in output


def test_it_ends_when_its_supervisor_is_gone(audit, start):
    """
    Without a supervisor nobody would start the next one.
    """
    child = start(origin="gw.example/log")
    wait_for(lambda: size_of(audit) == 0)

    child.stdin.close()

    assert child.wait(timeout=20) == 0


def test_it_lets_those_who_answer_callers_go_first(audit, start):
    """
    It takes a processor in common only for what they leave, itself and its session.
    """
    child = start(origin="gw.example/log")
    group = Path(f"/proc/{child.pid}/autogroup")

    wait_for(lambda: size_of(audit) == 0)

    assert os.getpriority(os.PRIO_PROCESS, child.pid) >= NICE
    if hasattr(os, "SCHED_BATCH"):  # Linux alone has it
        assert os.sched_getscheduler(child.pid) == os.SCHED_BATCH
    if group.exists():  # where Linux was built with it
        assert group.read_text().endswith(f" nice {NICE}\n")


def test_it_signs_with_the_operators_own_key(audit, start, tmp_path):
    """
    A seed in a file is a key; none is made then.
    """
    path = tmp_path / "key"
    path.write_bytes(bytes(range(32)).hex().encode() + b"\n")
    path.chmod(0o600)
    start(origin="gw.example/log", signing_key=str(path))
    wait_for(lambda: size_of(audit) == 0)
    wait_for(lambda: read_status(audit.folder, 0) is not None)

    vkey = VerifierKey.parse(read_status(audit.folder, 0).vkey)

    assert audit.signed().note.signers([vkey]) == [vkey]
    assert [path.name for path in (audit.folder / "keys").iterdir()] == ["signer.vkey"]


def test_a_log_without_a_name_is_given_one_that_stays(audit, start):
    """
    Made once, kept beside the log.
    """
    first = start()
    wait_for(lambda: size_of(audit) == 0)
    origin = audit.signed().checkpoint.origin
    first.terminate()
    first.wait(timeout=20)
    audit.write("wa", lines(3))

    start()
    wait_for(lambda: size_of(audit) == 3)

    assert origin.startswith("gatewright.invalid/")
    assert audit.signed().checkpoint.origin == origin


def test_a_second_one_waits_until_the_first_has_ended(audit, start):
    """
    Two gateways may run on one data directory: one makes the log, the other takes over.
    """
    first = start(origin="gw.example/log")
    wait_for(lambda: size_of(audit) == 0)
    second = start(origin="gw.example/log")
    told = json.loads(second.stdout.readline())
    first.terminate()
    first.wait(timeout=20)

    audit.write("wa", lines(3))
    wait_for(lambda: size_of(audit) == 3)

    assert "waiting for its end" in told["event"]
    assert second.poll() is None


def test_one_that_waits_ends_when_it_is_told_to(audit, start):
    """
    It never had the log, so there is nothing to finish.
    """
    start(origin="gw.example/log")
    wait_for(lambda: size_of(audit) == 0)
    second = start(origin="gw.example/log")
    second.stdout.readline()

    second.terminate()

    assert second.wait(timeout=20) == 0
