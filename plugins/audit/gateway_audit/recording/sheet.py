"""
What the audit knows of one exchange from one hook to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from gateway import Chunk, StashKey
from gateway.filters import StreamFilter
from gateway_audit.entries.exchanges import Parties
from gateway_audit.settings import Kept


@attrs.define(kw_only=True)
class Sheet:
    """
    What is known of one exchange.

    Attributes:
        parties: Who stands behind it, once somebody asked.
        fallbacks: Models that the request named as such, which routing takes out of it.
        intents: How many were written.
        kept: What is kept of its request and answer.
        came: The request as the caller sent it, where that is kept.
        frames: What the caller was sent of a stream, where that is kept.
    """

    parties: Parties | None = None
    fallbacks: tuple[str, ...] = ()
    intents: int = 0
    kept: Kept = "none"
    came: bytes | None = None
    frames: list[bytes] | None = None


SHEET: Final = StashKey[Sheet]("audit")


class Copyist(StreamFilter):
    """
    Copies what the caller is sent, up to a length.
    """

    def __init__(self, frames: list[bytes], max_bytes: int) -> None:
        self._frames = frames
        self._left = max_bytes

    async def feed(self, chunks: Sequence[Chunk]) -> Sequence[Chunk]:
        """
        Copy, and let pass.
        """
        for chunk in chunks:
            if self._left <= 0:
                break
            frame = chunk.encode()
            self._frames.append(frame[: self._left])
            self._left -= len(frame)
        return chunks
