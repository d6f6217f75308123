"""
The event loop of the bench's own programs.
"""

from __future__ import annotations

import asyncio


def new_runner() -> asyncio.Runner:
    """
    Return a runner on uvloop, where that is installed.
    """
    try:
        import uvloop
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)
