"""
Whether the register of persons takes what it is given.
"""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Final

import attrs
import structlog

from gateway_audit.subjects.register import Register

log = structlog.get_logger("gateway.audit")

#: Seconds after which a register that fails is tried again.
TRIED_S: Final = 5.0


@attrs.define(eq=False)
class RegisterFaults:
    """
    Remembers that the register failed until it takes something again; belongs to one event loop.

    Attributes:
        fault: Why it fails; None where it does not.
    """

    register: Register
    fault: str | None = attrs.field(default=None, init=False)
    _retry: asyncio.TimerHandle | None = attrs.field(default=None, init=False)

    def note(self, exc: sqlite3.Error) -> None:
        """
        Say that it failed, and try it again in a while.
        """
        if self.fault != str(exc):
            log.error("the register of persons fails", why=str(exc))
        self.fault = str(exc)
        if self._retry is None:
            loop = asyncio.get_running_loop()
            self._retry = loop.call_later(TRIED_S, self.look)

    def look(self) -> None:
        """
        Try it.
        """
        self.close()
        try:
            self.register.check()
        except sqlite3.Error as exc:
            self.note(exc)
        else:
            self.fault = None

    def close(self) -> None:
        """
        Try no more.
        """
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
