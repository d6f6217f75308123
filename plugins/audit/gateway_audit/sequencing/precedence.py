"""
Who comes first where the sequencer has a processor in common with those who answer callers.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

#: At worst a tenth of a processor, where others want all of it without a pause; entries get their
#: place later then.  A gateway that waits for its disk leaves more.
NICE: Final = 10
_GROUP: Final = Path("/proc/self/autogroup")


def give_way() -> None:
    """
    Let everybody else go first, from here on and for good.

    Entries are safe in the spool and wait; a caller who waits for the same processor is slow.
    """
    # It wakes several times a second, and its disk wakes it too: none of that is to interrupt
    # who works (sched(7), "SCHED_BATCH").  Its share of the processor is that of its `NICE`.
    if hasattr(os, "sched_setscheduler"):
        with suppress(OSError):  # a container may forbid it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    with suppress(OSError):
        os.nice(NICE)
    # Linux may share a processor among sessions first (sched(7), "The autogroup feature"): what
    # a process is told then counts for nothing outside of its own, and the session is told.
    if os.getsid(0) == os.getpid():
        with suppress(OSError):
            _GROUP.write_text(str(NICE))
