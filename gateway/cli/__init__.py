"""
The command line: ``gatewright``.

Commands are imported when they are used, so that ``--help`` and ``--version`` are quick.

Exit codes: 0 all is well, 1 a fault was found, 2 wrong usage, 3 the gateway cannot be reached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """
    Run the command line; errors are one line each, never a traceback.
    """
    from gateway.cli.program import main as run

    run(arguments)
