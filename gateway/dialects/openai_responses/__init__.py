"""
OpenAI's Responses: ``POST /responses``, whole and streamed.

Start reading at the class, then: `texts` and `events` say where texts are (their tables in
``*_shapes``), `read_ask` and `write_ask` translate requests, `read_answer` and `write_answer`
whole answers, `read_stream` and `write_stream` streams, `tracker` and `cut` end a stream early.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from gateway import codec
from gateway.clock import SystemClock
from gateway.dialects.openai_dialect import OpenAIDialect
from gateway.dialects.openai_responses import asked as of_asked
from gateway.dialects.openai_responses import events, places, texts
from gateway.dialects.openai_responses.facts import StreamFacts
from gateway.dialects.openai_responses.outcome import read_stop, read_usage
from gateway.dialects.openai_responses.tracker import Tracker
from gateway.dialects.openai_responses.wire import NAME
from gateway.views import Chunk, Request, Response

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway import dialects, neutral
    from gateway.clock import Clock
    from gateway.errors import ExchangeError
    from gateway.usage import Usage
    from gateway.views import Lane, Span, Text, Tool

__all__ = ["OpenAIResponses"]

_ENDS: Final = frozenset(kind.encode() for kind in events.TERMINAL)
_QUOTED_ENDS: Final = tuple(b'"%b"' % kind for kind in _ENDS)
_EVENT_LINE: Final = re.compile(rb"event: ?([\w.]*)")


class OpenAIResponses(OpenAIDialect):
    """
    The wire format of OpenAI's Responses.

    Args:
        clock: Tells when an answer that came without a date was made.
    """

    name: ClassVar[str] = NAME
    operations: ClassVar[tuple[str, ...]] = ("generate",)
    path: ClassVar[Mapping[str, str]] = {"generate": "/responses"}
    terminal_marks: ClassVar[tuple[bytes, ...]] = tuple(sorted(_ENDS))

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()

    # --- requests ---------------------------------------------------------------------------

    def check_request(self, request: Request) -> None:
        """
        Check the types of what routing and metering read.
        """
        super().check_request(request)
        of_asked.check(request.doc)

    def instruct(self, request: Request, words: str) -> bool:
        """
        Begin the instructions with *words*.
        """
        told = request.doc.get("instructions")
        more = f"\n\n{told}" if isinstance(told, str) and told else ""
        request.doc["instructions"] = words + more
        return True

    def request_texts(self, request: Request) -> list[Text]:
        """
        List the texts of *request*.
        """
        return texts.request_texts(request)

    def tools_of(self, request: Request) -> Sequence[Tool]:
        """
        List the tools that *request* offers.
        """
        return of_asked.tools_of(request.doc)

    def output_cap(self, request: Request) -> int | None:
        """
        Return ``max_output_tokens``.
        """
        cap = request.peek("max_output_tokens")
        return cap if cap.__class__ is int else None

    def set_output_cap(self, request: Request, tokens: int) -> None:
        """
        Set ``max_output_tokens``.
        """
        request.patch("max_output_tokens", tokens)

    def drop_foreign_seals(self, request: Request) -> int:
        """
        Take out the reasoning items that another vendor sealed.
        """
        return of_asked.drop_foreign_seals(request)

    # --- answers ----------------------------------------------------------------------------

    def response_texts(self, response: Response) -> list[Text]:
        """
        List the texts of *response*, errors included.
        """
        return texts.response_texts(response)

    def response_spans(self, response: Response) -> list[Span]:
        """
        List the places of annotations.
        """
        return places.response_spans(response)

    def finish_reasons(self, response: Response) -> Sequence[str]:
        """
        Return the reason why the response is incomplete, or its status.
        """
        stop = self.stop_of(response)
        return (stop.raw,) if stop is not None and stop.raw else ()

    def usage_of(self, response: Response) -> Usage | None:
        """
        Return what the provider says was used.
        """
        return read_usage(response.doc)

    def stop_of(self, response: Response) -> neutral.Stop | None:
        """
        Return why the model stopped; None for an error body.
        """
        doc = response.doc
        return read_stop(doc) if isinstance(doc, dict) and "status" in doc else None

    # --- streams ----------------------------------------------------------------------------

    def chunk_texts(self, chunk: Chunk) -> list[Text]:
        """
        List the texts of *chunk*.
        """
        return events.chunk_texts(chunk)

    def chunk_ends(self, chunk: Chunk) -> Sequence[Lane]:
        """
        Return prefixes of the lanes that *chunk* ends.
        """
        return places.chunk_ends(chunk)

    def chunk_spans(self, chunk: Chunk) -> list[Span]:
        """
        List the places of annotations.
        """
        return places.chunk_spans(chunk)

    def is_terminal(self, chunk: Chunk) -> bool:
        """
        Tell whether *chunk* closes the response, or is an error.
        """
        if chunk.event is not None:
            return chunk.event in _ENDS
        return events.type_of(chunk) in events.TERMINAL

    def is_terminal_frame(self, frame: bytes) -> bool:
        """
        Tell the same; parses only what looks like it and has no event name.
        """
        line = _EVENT_LINE.match(frame)
        if line is not None:
            return line[1] in _ENDS
        return any(end in frame for end in _QUOTED_ENDS) and self.is_terminal(
            Chunk(self, frame)
        )

    def facts(self) -> dialects.Facts:
        """
        Make a reader of usage and stop for one stream.
        """
        return StreamFacts()

    def tracker(self, request: Request) -> dialects.Tracker:
        """
        Make a tracker for one stream that answers *request*.
        """
        return Tracker(request)

    def cut(self, tracker: dialects.Tracker, error: ExchangeError) -> list[Chunk]:
        """
        End a stream: a guardrail makes it incomplete, anything else an error.
        """
        from gateway.dialects.openai_responses.cut import cut

        assert isinstance(tracker, Tracker)  # noqa: S101 - it was made by `tracker`
        return cut(self, tracker, error, self._clock.now())

    # --- translation ------------------------------------------------------------------------

    def to_neutral(self, request: Request, losses: neutral.Losses) -> neutral.Ask:
        """
        Read *request* into the neutral form.
        """
        from gateway.dialects.openai_responses.read_ask import read_ask

        return read_ask(request, losses)

    def from_neutral(
        self, ask: neutral.Ask, losses: neutral.Losses, limits: dialects.ModelLimits
    ) -> Request:
        """
        Write *ask* in this dialect.
        """
        from gateway.dialects.openai_responses.write_ask import write_ask

        # As bytes, so that no node of the caller's request stands in the provider's.
        return Request(self, codec.dumps(write_ask(ask, losses, limits)))

    def read_answer(self, response: Response) -> neutral.Answer:
        """
        Read a whole answer into the neutral form.
        """
        from gateway.dialects.openai_responses.read_answer import read_answer

        return read_answer(response)

    def write_answer(
        self, answer: neutral.Answer, asked: Request, losses: neutral.Losses
    ) -> Response:
        """
        Write *answer* to the caller who *asked*.
        """
        from gateway.dialects.openai_responses.write_answer import write_answer

        doc = write_answer(answer, asked, losses, self._clock.now())
        return Response(self, codec.dumps(doc))

    def stream_reader(self) -> dialects.StreamReader:
        """
        Make a reader of one provider's stream.
        """
        from gateway.dialects.openai_responses.read_stream import StreamReader

        return StreamReader()

    def stream_writer(
        self, asked: Request, losses: neutral.Losses
    ) -> dialects.StreamWriter:
        """
        Make a writer of one stream to the caller who *asked*.
        """
        from gateway.dialects.openai_responses.write_stream import StreamWriter

        return StreamWriter(self, asked, losses, self._clock.now)
