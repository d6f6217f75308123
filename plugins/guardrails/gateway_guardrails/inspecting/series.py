"""
Filters of one plugin in series: to the gateway they are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.filters import StreamFilter
from gateway.filters.stream import ResponseFilter

if TYPE_CHECKING:
    from gateway import Chunk, Response
    from gateway.filters import Outcome


class SeriesFilter(StreamFilter):
    """
    Sends an answer through one filter after the other, innermost first.
    """

    def __init__(self, filters: Sequence[StreamFilter]) -> None:
        self._filters = tuple(filters)
        self.holds_chunks = any(each.holds_chunks for each in filters)

    async def feed(self, chunks: Sequence[Chunk]) -> Sequence[Chunk]:
        """
        Send *chunks* through all of them.
        """
        for each in self._filters:
            if not chunks:
                break
            chunks = await each.feed(chunks)
        return chunks

    async def flush(self) -> Sequence[Chunk]:
        """
        Let each let go of what it held, and send that through those behind it.
        """
        chunks: Sequence[Chunk] = ()
        for each in self._filters:
            before = await each.feed(chunks) if chunks else ()
            chunks = [*before, *await each.flush()]
        return chunks

    async def feed_response(self, response: Response) -> int:
        """
        Send a whole answer through all of them.
        """
        count = 0
        for each in self._filters:
            if isinstance(each, ResponseFilter):
                count += await each.feed_response(response)
        return count

    async def close(self, outcome: Outcome) -> None:
        """
        Close all of them, whatever one of them raises.
        """
        failed: Exception | None = None
        for each in self._filters:
            try:
                await each.close(outcome)
            except Exception as exc:  # noqa: BLE001 - the others are closed all the same
                failed = failed or exc
        if failed is not None:
            raise failed


def in_series(filters: Sequence[StreamFilter]) -> StreamFilter | None:
    """
    Make one filter of *filters*; None if there is none.
    """
    if len(filters) > 1:
        return SeriesFilter(filters)
    return filters[0] if filters else None
