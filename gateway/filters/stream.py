"""
The interface between the relay and whatever changes a stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from gateway.views import Chunk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from gateway.exchange import Outcome
    from gateway.views import Response


@runtime_checkable
class StreamFilter(Protocol):
    """
    Changes one answer's chunks; made anew for every answer.

    Subclass it and override what is needed, or offer the same members.

    Attributes:
        holds_chunks: Whether it ever keeps a chunk for later.  If such a filter fails, what it
            held is gone, so the stream is cut whatever the operator's failure policy says.
    """

    holds_chunks: bool = False

    async def feed(self, chunks: Sequence[Chunk]) -> Sequence[Chunk]:
        """
        Take the chunks of one read of the upstream; return those that may leave, in order.

        Fewer may come back now and more later.

        Raises:
            Refused: to cut the stream.
        """
        return chunks

    async def flush(self) -> Sequence[Chunk]:
        """
        Return what was held; the stream ended well.

        Not called when the caller left or the upstream broke: what was held is dropped.
        """
        return ()

    async def close(self, outcome: Outcome) -> None:
        """
        Let go of everything; called once, however the stream ended.
        """
        return None  # noqa: RET501 - an empty body would make it abstract


@runtime_checkable
class ResponseFilter(Protocol):
    """
    What a filter offers that is to be run over whole answers as well, as `TextFilter` is.
    """

    async def feed_response(self, response: Response) -> int:
        """
        Edit *response* in place; return how many edits were made.
        """


class ChunkHook(StreamFilter):
    """
    A function of one chunk as a filter: it returns the chunk, or None to drop it.
    """

    def __init__(self, call: Callable[[Chunk], Awaitable[Chunk | None]]) -> None:
        self._call = call

    async def feed(self, chunks: Sequence[Chunk]) -> Sequence[Chunk]:
        """
        Show each chunk to the function.
        """
        answers = [await self._call(chunk) for chunk in chunks]
        said: list[Any] = [chunk for chunk in answers if chunk is not None]
        if said and not isinstance(said[-1], Chunk):
            msg = f"returned {type(said[-1]).__name__}, not Chunk"
            raise TypeError(msg)
        return said
