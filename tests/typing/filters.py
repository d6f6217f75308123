"""
Filters: what an author of a redactor writes, and what runs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_type

from gateway import Chunk, Outcome, Response
from gateway.filters import Edit, StreamFilter, TextFilter, decided


class Redactor(TextFilter):
    kinds = frozenset({"message"})

    def find(self, text: str, start: int, final: bool) -> tuple[list[Edit], int]:
        edits, safe = decided([Edit(start, start + 1, "*")], start, start, len(text))
        assert_type(edits, Sequence[Edit])
        assert_type(safe, int)
        return list(edits), safe


class Judge(TextFilter):
    async def judge(
        self, text: str, start: int, final: bool
    ) -> tuple[Sequence[Edit], int]:
        return (), len(text)


class Structural:
    """
    Inherits nothing: who offers the members is a filter.
    """

    holds_chunks: bool = False

    async def feed(self, chunks: Sequence[Chunk]) -> Sequence[Chunk]:
        return chunks[:1]

    async def flush(self) -> Sequence[Chunk]:
        return ()

    async def close(self, outcome: Outcome) -> None:
        pass


FILTERS: list[StreamFilter] = [Redactor(), Judge(), Structural()]


async def a_filter_is_run(redactor: Redactor, response: Response) -> None:
    """
    Over streams and over whole answers.
    """
    assert_type(await redactor.feed([]), Sequence[Chunk])
    assert_type(await redactor.feed_response(response), int)
    assert_type(await redactor.apply(response.texts()), int)
    assert_type(redactor.edit_count, int)
