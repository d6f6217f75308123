"""
The stamp plugin: as little as shows, in plain sight, that each kind of hook was called.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

import attrs

from gateway import (
    Answer,
    Attempt,
    Chunk,
    Exchange,
    Phase,
    Plugin,
    Response,
    Text,
    hookimpl,
)
from gateway.filters import Edit, StreamFilter, TextFilter

MESSAGE = "message"


@attrs.frozen(kw_only=True)
class StampSettings:
    """
    What the table ``plugins.stamp`` says.

    Attributes:
        request: Is added to what the user said last.
        response: Is added to each text of a whole answer.
        chunk: Stands in each event of a stream, as its ``stamp``.
        phrase: Is replaced in answers, whole and streamed, by *new*.
    """

    request: str = "asked-through-stamp"
    response: str = "answered-through-stamp"
    chunk: str = "streamed-through-stamp"
    phrase: str = "demo provider"
    new: str = "stamped one"


class PhraseFilter(TextFilter):
    """
    Replaces one phrase by another, wherever chunks split it.
    """

    kinds = frozenset({MESSAGE})

    def __init__(self, phrase: str, new: str) -> None:
        self._pattern = re.compile(re.escape(phrase))
        self._tail = len(phrase) - 1
        self._new = new

    def find(self, text: str, start: int, final: bool) -> tuple[Sequence[Edit], int]:
        """
        Find the phrase; an end that is shorter than it may still become it.
        """
        edits = [
            Edit(*match.span(), self._new)
            for match in self._pattern.finditer(text, start)
        ]
        safe = len(text) if final else max(start, len(text) - self._tail)
        return edits, max([safe, *(edit.end for edit in edits)])


class StampPlugin(Plugin):
    """
    Leaves a mark on requests, responses and streams.
    """

    phase: ClassVar[Phase] = Phase.SHAPE
    Settings: ClassVar[type] = StampSettings

    settings: StampSettings

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Answer | None:
        """
        Add a word to what the user said last.
        """
        said = [text for text in exchange.request.texts() if text.role == "user"]
        _append(said[-1:], self.settings.request)
        return None

    @hookimpl
    def open_filter(
        self, exchange: Exchange, attempt: Attempt | None
    ) -> StreamFilter | None:
        """
        Replace a phrase in the answer.
        """
        return PhraseFilter(self.settings.phrase, self.settings.new)

    @hookimpl
    async def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Chunk | None:
        """
        Mark the event.
        """
        if not chunk.is_done:
            chunk.doc["stamp"] = self.settings.chunk
            chunk.touch()
        return chunk

    @hookimpl
    async def post_response(
        self, exchange: Exchange, response: Response
    ) -> Response | None:
        """
        Add a word to a whole answer's texts.
        """
        said = [text for text in response.texts() if text.kind == MESSAGE]
        _append(said, self.settings.response)
        return None


def _append(texts: Sequence[Text], word: str) -> None:
    for text in texts:
        text.replace(f"{text.value} {word}")
