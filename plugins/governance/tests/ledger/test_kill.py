"""
Overspend is nothing, whoever is killed.
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
    Let *count* rounds be killed; every promise is checked by the program itself.
    """
    done = subprocess.run(
        [sys.executable, PROGRAM, folder, str(count), str(seed)],
        capture_output=True,
        text=True,
        timeout=count * 60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return [json.loads(line) for line in lines]


def test_killed_workers_overspend_nothing(tmp_path):
    """
    Four workers, killed inside and outside critical sections: what was billed never passes
    the budget, burned is what they had sent, to the nano, and each settlement has one row.
    """
    found = rounds(tmp_path, 3, 1)

    assert len(found) == 3
    assert sum(each["kills"] for each in found) > 20
    assert sum(each["burned_holds"] for each in found) > 10
    assert all(each["settled"] > 300 for each in found)


@pytest.mark.deep
def test_a_hundred_rounds_overspend_nothing(tmp_path):
    """
    The same, a hundred times.
    """
    found = rounds(tmp_path, 100, 1000)

    assert len(found) == 100
    assert sum(each["kills"] for each in found) > 1000
