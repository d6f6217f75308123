"""
Counts what a provider streams, for a stream that ends before the provider accounts for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway import BudgetExceeded, Chunk, Tap

if TYPE_CHECKING:
    from gateway_governance.bounds import Bound


class Listener(Tap):
    """
    Counts the words of one stream.

    Each piece of words is a token at least, so a stream with more pieces than its cap has tokens
    comes from a provider that ignores caps; it is cut, for nothing more was held.

    Attributes:
        bytes_seen: Of all words so far, reasoning and arguments of tools included: no
            tokenizer makes more tokens of them.
    """

    def __init__(self, bound: Bound, *, cuts: bool) -> None:
        most = bound.output_tokens
        self._most = most * bound.choices if cuts and most is not None else None
        self._pieces = 0
        self.bytes_seen = 0

    def see(self, chunks: Sequence[Chunk]) -> None:
        """
        Count the words in *chunks*.

        Raises:
            BudgetExceeded: the provider goes on beyond what was asked for, and held.
        """
        for chunk in chunks:
            size = 0
            for text in chunk.texts():
                if text.form == "delta":
                    size += len(text.value.encode("utf-8", "surrogatepass"))
            if size:
                self.bytes_seen += size
                self._pieces += 1
        if self._most is not None and self._pieces > self._most + chunk_slack(
            self._most
        ):
            msg = "The provider answers at greater length than was paid for."
            raise BudgetExceeded(msg)


def chunk_slack(most: int) -> int:
    """
    Return how many pieces more are no sign yet: formats repeat themselves.
    """
    return most // 16 + 16
