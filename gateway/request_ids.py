"""
The ids of exchanges.
"""

from __future__ import annotations

import os


class _Entropy:
    """
    Random bytes of the operating system, fetched for many request ids at once.
    """

    __slots__ = ("_at", "_pool")

    _LENGTH = 8
    _FETCHED = 4096

    def __init__(self) -> None:
        self.drop()

    def drop(self) -> None:
        """
        Forget what was fetched: a forked process must not use it too.
        """
        self._pool = ""
        self._at = 0

    def next(self) -> str:
        """
        Return eight fresh bytes, in hexadecimal.
        """
        if self._at >= len(self._pool):
            self._pool = os.urandom(self._FETCHED).hex()
            self._at = 0
        at = self._at
        self._at = at + 2 * self._LENGTH
        return self._pool[at : self._at]


_entropy = _Entropy()
os.register_at_fork(after_in_child=_entropy.drop)


def new_request_id(now: float) -> str:
    """
    Make a request id: sortable by time, unguessable beside it.
    """
    return f"req_{int(now * 1000):012x}{_entropy.next()}"
