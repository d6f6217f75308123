"""
Where a log may go in tests.
"""

from __future__ import annotations


class Nowhere:
    """
    Takes a log and keeps nothing of it.
    """

    def write(self, data: bytes) -> int:
        return len(data)

    def flush(self) -> None: ...
