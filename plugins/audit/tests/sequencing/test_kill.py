"""
Nothing acknowledged is lost, whoever is killed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("kill_rounds.py")


def rounds(folder, count, seed):
    """
    Let *count* rounds be killed; the program verifies the log after each.
    """
    done = subprocess.run(
        [sys.executable, PROGRAM, folder, str(count), str(seed)],
        capture_output=True,
        text=True,
        timeout=60 + count * 10,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line[:1] == "{"]


def check(found):
    assert [each["lost"] for each in found] == [0] * len(found)
    assert [each["doubled"] for each in found] == [0] * len(found)
    assert [each["left"] for each in found] == [0] * len(found)
    assert found[-1]["acknowledged"] <= found[-1]["size"]


def test_killed_writers_and_sequencers_lose_nothing(tmp_path):
    """
    Ten rounds of both being killed, from outside or at a call to the disk: what was acknowledged
    is in the log, once; the log verifies, and grew from what was signed before.
    """
    found = rounds(tmp_path, 10, 1)

    check(found)
    assert len(found) == 10
    assert sum(each["kills"] for each in found) == 20
    assert found[-1]["acknowledged"] > 100


@pytest.mark.deep
def test_two_hundred_rounds_lose_nothing(tmp_path):
    """
    The same, two hundred times.
    """
    found = rounds(tmp_path, 200, 1000)

    check(found)
    assert len(found) == 200
    assert sum(each["kills"] for each in found) == 400
