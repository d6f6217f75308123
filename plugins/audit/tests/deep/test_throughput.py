"""
The log keeps up with five thousand entries a second.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("throughput.py")


@pytest.mark.deep
def test_five_thousand_entries_a_second_go_through(tmp_path):
    """
    Ten seconds of 64 callers, each waiting for the disk: 5,000 a second are durable, and as many
    come into the log and are signed meanwhile.
    """
    done = subprocess.run(
        [sys.executable, PROGRAM, tmp_path, "10", "64", "600"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    told = json.loads(done.stdout.splitlines()[-1])
    assert told["sequenced_of"] == told["entries"]
    assert told["per_s"] >= 5_000
    assert told["sequenced_per_s"] >= 5_000
