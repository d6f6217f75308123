"""
Counts what a provider streams, for a stream that ends before the provider accounts for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from gateway import BudgetExceeded, Chunk, Tap

if TYPE_CHECKING:
    from gateway_governance.bounds import Bound

#: Silence of more seconds than this is no pause between words: the model may reason unseen.
PAUSE_S: Final = 1.0


class Listener(Tap):
    """
    Counts the words of one stream.

    Each piece of words is a token at least, so a stream with more pieces than its cap has tokens
    comes from a provider that ignores caps; it is cut, for nothing more was held.

    Args:
        monotonic: Tells the time, in seconds.

    Attributes:
        bytes_seen: Of all words so far, reasoning and arguments of tools included: no
            tokenizer makes more tokens of them.
    """

    def __init__(
        self, bound: Bound, *, cuts: bool, monotonic: Callable[[], float]
    ) -> None:
        most = bound.output_tokens
        self._most = most * bound.choices if cuts and most is not None else None
        self._pieces = 0
        self._monotonic = monotonic
        self._began: float | None = None
        self._spoke = 0.0
        self._paused_s = 0.0
        self.bytes_seen = 0

    def see(self, chunks: Sequence[Chunk]) -> None:
        """
        Count the words in *chunks*.

        Raises:
            BudgetExceeded: the provider goes on beyond what was asked for, and held.
        """
        before = self._pieces
        for chunk in chunks:
            size = 0
            for text in chunk.texts():
                if text.form == "delta":
                    size += len(text.value.encode("utf-8", "surrogatepass"))
            if size:
                self.bytes_seen += size
                self._pieces += 1
        if self._pieces > before:
            self._hear(self._monotonic())
        if self._most is not None and self._pieces > self._most + chunk_slack(
            self._most
        ):
            msg = "The provider answers at greater length than was paid for."
            raise BudgetExceeded(msg)

    def _hear(self, now: float) -> None:
        """
        Take note that words came.
        """
        if self._began is None:
            self._began = now
        elif now - self._spoke > PAUSE_S:
            self._paused_s += now - self._spoke
        self._spoke = now

    def silent_s(self, sent: float, ended: float) -> float:
        """
        Return the seconds in which the model may have generated what is never sent.

        Args:
            sent: When the request was, by the same clock; likewise *ended*.
        """
        if self._began is None:
            return max(0.0, ended - sent)
        last = ended - self._spoke
        tail_s = last if last > PAUSE_S else 0.0
        return max(0.0, self._began - sent) + self._paused_s + tail_s

    def spoken_s(self) -> float:
        """
        Return the seconds in which words came.
        """
        if self._began is None:
            return 0.0
        return max(0.0, self._spoke - self._began - self._paused_s)


def chunk_slack(most: int) -> int:
    """
    Return how many pieces more are no sign yet: formats repeat themselves.
    """
    return most // 16 + 16
