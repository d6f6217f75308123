"""
The command line: ``gatewright``.

Commands are imported when they are used, so that ``--help`` and ``--version`` are quick.

Exit codes: 0 all is well, 1 a fault was found, 2 wrong usage, 3 the gateway cannot be reached.
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """
    Run the command line; errors are one line each, never a traceback.
    """
    if (sys.argv[1:] if arguments is None else [*arguments])[:1] == ["serve"]:
        # To whoever serves it means: read the file again.  That is still to be done.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    from gateway.cli.program import main as run

    run(arguments)
