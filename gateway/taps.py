"""
Taps: watching a provider's stream before anything is done to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.exchange import Outcome
    from gateway.views import Chunk


class Tap:
    """
    Sees a provider's chunks in the provider's dialect, and edits nothing.
    """

    def see(self, chunks: Sequence[Chunk]) -> None:
        """
        Look at the chunks of one read; called before they are translated.

        Raises:
            Refused: to cut the stream.
        """

    def close(self, outcome: Outcome) -> None:
        """
        Take note that the stream is over; called once, always.
        """
