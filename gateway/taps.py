"""
Taps: watching a provider's stream before anything is done to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.dialects import Dialect
    from gateway.exchange import Outcome
    from gateway.views import Chunk


class Tap:
    """
    Sees a provider's chunks in the provider's dialect, and edits nothing.

    Attributes:
        wants_frames: It is shown frames instead, by `see_frames`.  A stream that nobody looks
            into is then passed on without being parsed.
    """

    wants_frames: ClassVar[bool] = False

    def see(self, chunks: Sequence[Chunk]) -> None:
        """
        Look at the chunks of one read; called before they are translated.

        Raises:
            Refused: to cut the stream.
        """

    def see_frames(self, frames: Sequence[bytes], dialect: Dialect) -> None:
        """
        Look at the frames of one read as they came; ``Chunk(dialect, frame)`` reads one.

        Frames may be malformed, and comments are among them.

        Raises:
            Refused: to cut the stream.
        """

    def close(self, outcome: Outcome) -> None:
        """
        Take note that the stream is over; called once, always.
        """
