"""
What was let go of lately, so that no answer that was under way meanwhile is kept after all.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import attrs

from gateway_caching.stores import Record, Wanted

__all__ = ["Purges"]

#: How many are remembered; what is older than all of them is taken for purged.
_REMEMBERED: Final = 256


@attrs.define(eq=False)
class Purges:
    """
    The latest purges of one process, its own and those that it heard of.
    """

    _count: int = attrs.field(default=0, init=False)
    _latest: deque[tuple[int, Wanted]] = attrs.field(
        factory=lambda: deque(maxlen=_REMEMBERED), init=False
    )

    def mark(self) -> int:
        """
        Return a place in time, for `took`.
        """
        return self._count

    def note(self, wanted: Wanted) -> None:
        """
        Take note of what is let go of from now on.
        """
        self._count += 1
        self._latest.append((self._count, wanted))

    def took(self, record: Record, mark: int) -> bool:
        """
        Tell whether *record*, whose answer was asked for at *mark*, was let go of since.
        """
        if self._count - mark > _REMEMBERED:
            return True
        return any(
            wanted.takes(record) for count, wanted in self._latest if count > mark
        )
