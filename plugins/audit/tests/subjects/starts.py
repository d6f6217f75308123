"""
Workers that start at the same moment.

A program of its own, for it forks: ``starts.py FOLDER ROUNDS``.  Exits with how many failed.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from gateway_audit.subjects.register import Register

WORKERS = 6


def start(folder, ready):
    """
    Be a worker: wait until all are there, then open the register.
    """
    try:
        os.read(ready, 1)
        Register(folder, bytes(64)).close()
    except BaseException:  # noqa: BLE001 - a child must not run on as its parent
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def one_round(folder):
    """
    Let all start at once in a new folder; return how many failed.
    """
    ready, go = os.pipe()
    children = []
    for _ in range(WORKERS):
        child = os.fork()
        if not child:
            os.close(go)
            start(folder, ready)
        children.append(child)
    os.close(ready)
    os.close(go)  # which all of them hear at once
    return sum(os.waitpid(child, 0)[1] != 0 for child in children)


if __name__ == "__main__":
    where, rounds = Path(sys.argv[1]), int(sys.argv[2])
    sys.exit(sum(one_round(where / str(at)) for at in range(rounds)))
