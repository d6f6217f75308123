"""
OpenAI chat completions, and the extensions of the vendors that speak it.

Source: OpenAI's API reference, "Chat completions"; for ``reasoning_content``, ``thinking_blocks``,
in-stream errors and the like the documentation of the vendors that brought them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from gateway.dialects.dialect import Dialect
from gateway.dialects.openai_chat import faults, live, reasoning, texts
from gateway.dialects.openai_chat.answer import read_answer, stops_of, write_answer
from gateway.dialects.openai_chat.offers import (
    ask_for_usage,
    check_counts,
    is_usage_only,
    offered_tools,
    output_cap,
    set_output_cap,
)
from gateway.dialects.openai_chat.read_ask import read_ask
from gateway.dialects.openai_chat.request_texts import request_texts
from gateway.dialects.openai_chat.stream_reader import ChatReader
from gateway.dialects.openai_chat.stream_writer import ChatWriter
from gateway.dialects.openai_chat.usage import read_any_usage
from gateway.dialects.openai_chat.wire import NAME
from gateway.dialects.openai_chat.write_ask import write_ask
from gateway.errors import InvalidRequest
from gateway.views import Chunk, Request, Response

if TYPE_CHECKING:
    from gateway import neutral
    from gateway.dialects.dialect import ModelLimits, Tracker
    from gateway.errors import ExchangeError
    from gateway.usage import Usage
    from gateway.views import Lane, Span, Text, Tool

__all__ = ["OpenAIChat"]

_CAPS: Final = ("max_completion_tokens", "max_tokens")


class OpenAIChat(Dialect):
    """
    ``POST /v1/chat/completions``.
    """

    name: ClassVar[str] = NAME
    vendor: ClassVar[str] = "openai"
    operations: ClassVar[tuple[str, ...]] = ("generate",)
    path: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"generate": "/chat/completions"}
    )
    terminal_marks: ClassVar[tuple[bytes, ...]] = (b"[DONE]",)
    done: ClassVar[bytes] = live.DONE_FRAME

    # --- requests ---------------------------------------------------------------------------

    def check_request(self, request: Request) -> None:
        """
        Check also what bounds the cost: counts of tokens and of choices.
        """
        super().check_request(request)
        if not isinstance(request.doc.get("messages"), list):
            raise InvalidRequest("messages: a list is required")
        check_counts(request, _CAPS)

    def request_texts(self, request: Request) -> list[Text]:
        """
        List the texts of *request*.
        """
        return request_texts(request)

    def tools_of(self, request: Request) -> Sequence[Tool]:
        """
        List the tools that *request* offers, the web search among them.
        """
        return offered_tools(request)

    def output_cap(self, request: Request) -> int | None:
        """
        Return the larger cap where there are two: vendors differ in which they heed.
        """
        return output_cap(request, _CAPS)

    def set_output_cap(self, request: Request, tokens: int) -> None:
        """
        Cap the answer, in every spelling that the caller used.
        """
        set_output_cap(request, tokens, _CAPS)

    def ask_for_usage(self, request: Request) -> bool:
        """
        Ask for ``stream_options.include_usage``.
        """
        return ask_for_usage(request)

    def drop_foreign_seals(self, request: Request) -> int:
        """
        Take out the ``thinking_blocks`` that another dialect's provider sealed.
        """
        return reasoning.drop_foreign_seals(request)

    def is_usage_only(self, chunk: Chunk) -> bool:
        """
        Tell whether *chunk* is the one with usage and no choices.
        """
        return is_usage_only(chunk)

    # --- answers ----------------------------------------------------------------------------

    def response_texts(self, response: Response) -> list[Text]:
        """
        List the texts of *response*.
        """
        return texts.response_texts(response)

    def response_spans(self, response: Response) -> list[Span]:
        """
        List the places that annotations give.
        """
        return texts.response_spans(response)

    def finish_reasons(self, response: Response) -> Sequence[str]:
        """
        Return why each choice ended.
        """
        return texts.finish_reasons(response.doc)

    def error_of(self, response: Response) -> str | None:
        """
        Return the message of the error that *response* is, in any vendor's shape.
        """
        return faults.error_message(response)

    def usage_of(self, response: Response) -> Usage | None:
        """
        Return what was used.
        """
        return read_any_usage(response.doc)

    def stop_of(self, response: Response) -> neutral.Stop | None:
        """
        Return why the model stopped.
        """
        return stops_of(response.doc)

    # --- streams ----------------------------------------------------------------------------

    def chunk_texts(self, chunk: Chunk) -> list[Text]:
        """
        List the texts of *chunk*.
        """
        return texts.chunk_texts(chunk)

    def chunk_ends(self, chunk: Chunk) -> Sequence[Lane]:
        """
        Return prefixes of the lanes that *chunk* ends.
        """
        return texts.chunk_ends(chunk)

    def chunk_spans(self, chunk: Chunk) -> list[Span]:
        """
        List the places that annotations give.
        """
        return texts.chunk_spans(chunk)

    def is_terminal_frame(self, frame: bytes) -> bool:
        """
        Tell whether *frame* is ``data: [DONE]``.
        """
        return live.is_done_frame(frame)

    def facts(self) -> live.ChatFacts:
        """
        Make a reader of usage, stop and fault.
        """
        return live.ChatFacts()

    def tracker(self, request: Request) -> live.SentChunks:
        """
        Make a tracker of what was sent.
        """
        return live.SentChunks(live.choice_count(request))

    def cut(self, tracker: Tracker, error: ExchangeError) -> list[Chunk]:
        """
        Finish the open choices with ``content_filter``, or report an error.
        """
        sent = cast("live.SentChunks", tracker)
        return live.cut(self, sent, error, empty=_silence, shape=_SHAPE)

    # --- errors -----------------------------------------------------------------------------

    def error_response(self, error: ExchangeError, request_id: str) -> Response:
        """
        Render *error*; its code is the gateway's.
        """
        return faults.error_response(self, error)

    def read_fault(self, status: int, body: bytes) -> neutral.Fault:
        """
        Read a provider's error body.
        """
        return faults.read_fault(status, body)

    def write_fault(self, fault: neutral.Fault, request_id: str) -> Response:
        """
        Render a provider's error.
        """
        return faults.write_fault(self, fault)

    # --- translation ------------------------------------------------------------------------

    def to_neutral(self, request: Request, losses: neutral.Losses) -> neutral.Ask:
        """
        Read *request* into the neutral form.
        """
        return read_ask(request, losses)

    def from_neutral(
        self, ask: neutral.Ask, losses: neutral.Losses, limits: ModelLimits
    ) -> Request:
        """
        Write *ask* in this dialect.
        """
        return Request(self, doc=write_ask(ask, losses, limits))

    def read_answer(self, response: Response) -> neutral.Answer:
        """
        Read a whole answer.
        """
        return read_answer(response.doc)

    def write_answer(
        self, answer: neutral.Answer, asked: Request, losses: neutral.Losses
    ) -> Response:
        """
        Write *answer* to the caller who *asked*.
        """
        return Response(self, doc=write_answer(answer, asked, losses))

    def stream_reader(self) -> ChatReader:
        """
        Make a reader of one stream.
        """
        return ChatReader()

    def stream_writer(self, asked: Request, losses: neutral.Losses) -> ChatWriter:
        """
        Make a writer of one stream.
        """
        return ChatWriter(self, asked, losses)


#: The envelope of a stream that is cut before anything of it was sent.
_SHAPE: Final[dict[str, Any]] = {
    "id": "chatcmpl-cut",
    "object": "chat.completion.chunk",
    "created": 0,
    "model": "",
}


def _silence() -> dict[str, Any]:
    return {"delta": {}}
