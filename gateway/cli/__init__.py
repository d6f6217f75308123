"""
The command line: ``gatewright``.

Commands are imported when they are used, so that ``--help`` and ``--version`` are quick.

Exit codes: 0 all is well, 1 a fault was found, 2 wrong usage, 3 the gateway cannot be reached.
"""

from __future__ import annotations

from gateway.cli.program import main

__all__ = ["main"]
