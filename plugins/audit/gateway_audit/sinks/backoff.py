"""
How long one who was refused waits.
"""

from __future__ import annotations

import random
from typing import Final

import attrs

FIRST_S: Final = 0.5
MOST_S: Final = 60.0


@attrs.define(kw_only=True)
class Backoff:
    """
    Twice as long each time, and never the same for two who were refused together.
    """

    rng: random.Random
    first_s: float = FIRST_S
    most_s: float = MOST_S
    _times: int = 0

    def next_s(self, after_s: float | None = None) -> float:
        """
        Return how long to wait now.

        Args:
            after_s: How long the other side asked for, at least.
        """
        longest = min(self.most_s, self.first_s * 2 ** min(self._times, 20))
        self._times += 1
        wait: float = longest * self.rng.uniform(0.5, 1.0)
        return max(wait, after_s or 0.0)

    def reset(self) -> None:
        """
        Begin with the shortest again.
        """
        self._times = 0
