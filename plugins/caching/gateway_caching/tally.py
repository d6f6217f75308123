"""
What the cache saved, counted in this process.
"""

from __future__ import annotations

import attrs

from gateway_caching.entries import Entry

__all__ = ["Tally"]


@attrs.define(eq=False)
class Tally:
    """
    Counts since the process started.

    Attributes:
        unkept: Answers that were not kept, by why.
        embedding_errors: Questions for which there was no vector.
        vector_errors: Searches that did not come back, or not in time.
        verified: Hits of similar questions for which the model was asked as well.
        disagreed: Of those, how often it said something else.
        saved_nano: What the hits would have cost, less what was charged for them, in nano-USD.
        saved_tokens: Input and output tokens of the hits together.
    """

    hits: int = 0
    similar: int = 0
    missed: int = 0
    joined: int = 0
    kept: int = 0
    unkept: dict[str, int] = attrs.field(factory=dict)
    store_errors: int = 0
    embedding_errors: int = 0
    vector_errors: int = 0
    verified: int = 0
    disagreed: int = 0
    saved_nano: int = 0
    saved_tokens: int = 0

    def hit(
        self, entry: Entry, *, charged_nano: int = 0, is_similar: bool = False
    ) -> None:
        """
        Count one hit, and what it saved whoever got it.
        """
        if is_similar:
            self.similar += 1
        else:
            self.hits += 1
        self.saved_nano += entry.cost_nano - charged_nano
        self.saved_tokens += sum(entry.tokens)

    def leave(self, why: str) -> None:
        """
        Count one answer that was not kept.
        """
        self.unkept[why] = self.unkept.get(why, 0) + 1
