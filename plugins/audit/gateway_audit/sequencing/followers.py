"""
Those who want every entry once it has its place: the search index, the exports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pkgutil import resolve_name
from typing import Any, Final, Protocol

import structlog

from gateway_audit.sequencing.log import Log
from gateway_audit.tlog.tiles import WIDTH

log = structlog.get_logger("gateway.audit.sequencer")

#: Entries that are brought to a follower in one turn, and seconds for which one that failed
#: is left alone.
CATCH_UP: Final = 4 * WIDTH
PAUSE_S: Final = 2.0


class Follower(Protocol):
    """
    Takes entries with their places; has a connection of its own and a place of its own.
    """

    def last(self) -> int:
        """
        Return how many entries it has, counted from the log's first.
        """

    def add(self, first_index: int, entries: Sequence[bytes]) -> None:
        """
        Take *entries*, the first of which is number *first_index*; again is no error.
        """

    def drop_below(self, min_index: int) -> None:
        """
        Forget the entries before *min_index*, which were pruned.
        """

    def close(self) -> None:
        """
        Let go of what it keeps open.
        """


class Followed:
    """
    Brings one follower what is in the log; a fault of it disturbs nobody else.

    Args:
        make: Makes it, when there is something to bring; again after that failed.
    """

    def __init__(self, name: str, make: Callable[[], Follower]) -> None:
        self.name = name
        self._make = make
        self._follower: Follower | None = None
        self._has: int | None = None
        self._not_before = 0.0
        self._min_index = 0
        #: Why the last try failed.
        self.problem: str | None = None

    @property
    def has(self) -> int:
        """
        How many entries it has, as far as known.
        """
        return self._has or 0

    def offer(self, first: int, entries: Sequence[bytes], now: float) -> None:
        """
        Bring *entries*, which have just come in, if all before them were brought.
        """
        if self._has == first:
            self._add(first, entries, now)

    def bring(self, source: Log, now: float) -> bool:
        """
        Bring some of what is missing; tell whether there is more.
        """
        if now < self._not_before:
            return False
        try:
            if self._has is None:
                # What was archived is not brought again.
                self._has = max(self._the_follower().last(), source.local_from)
            self._drop(source.min_index)
            if self._has >= source.size:
                return False
            entries = read_entries(source, self._has, CATCH_UP)
        except Exception as exc:  # noqa: BLE001 - whatever it is, the log goes on
            self._note(exc, now)
            return False
        self._add(self._has, entries, now)
        return 0 < self.has < source.size

    def close(self) -> None:
        """
        Let go of the follower.
        """
        follower, self._follower = self._follower, None
        if follower is not None:
            follower.close()

    def _drop(self, min_index: int) -> None:
        if min_index > self._min_index:
            self._the_follower().drop_below(min_index)
            self._min_index = min_index

    def _add(self, first: int, entries: Sequence[bytes], now: float) -> None:
        try:
            self._the_follower().add(first, entries)
        except Exception as exc:  # noqa: BLE001 - as above
            self._note(exc, now)
        else:
            self._has = first + len(entries)
            self.problem = None

    def _the_follower(self) -> Follower:
        if self._follower is None:
            self._follower = self._make()
        return self._follower

    def _note(self, exc: Exception, now: float) -> None:
        self.problem = type(exc).__name__
        self._has = None
        self._not_before = now + PAUSE_S
        log.warning("cannot bring entries", to=self.name, why=str(exc))


def read_entries(source: Log, first: int, most: int) -> list[bytes]:
    """
    Read up to *most* entries from number *first* on, whole bundles but for the first.
    """
    tree = source.tree()
    entries: list[bytes] = []
    at = first
    while at < source.size and len(entries) < most:
        bundle = tree.bundle(at // WIDTH)[at % WIDTH :]
        entries.extend(bundle)
        at += len(bundle)
    return entries


def find_follower(name: str, target: str, arguments: Mapping[str, Any]) -> Followed:
    """
    Follow with what *target*, ``package.module:function``, returns.
    """
    return Followed(name, lambda: resolve_name(target)(**arguments))
