"""
OpenAI chat completions, and the extensions of the vendors that speak it.

Source: OpenAI's API reference, "Chat completions"; for ``reasoning_content``, ``thinking_blocks``,
in-stream errors and the like the documentation of the vendors that brought them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from gateway.dialects.openai_chat import live, seals, texts
from gateway.dialects.openai_chat.completing import CompletingDialect
from gateway.dialects.openai_chat.offers import check_counts, offered_tools
from gateway.dialects.openai_chat.request_texts import request_texts
from gateway.dialects.openai_chat.stops import stops_of
from gateway.dialects.openai_chat.wire import NAME
from gateway.errors import InvalidRequest
from gateway.views import Chunk, Request, Response

if TYPE_CHECKING:
    from gateway import neutral
    from gateway.dialects.dialect import ModelLimits
    from gateway.dialects.openai_chat.stream_reader import ChatReader
    from gateway.dialects.openai_chat.stream_writer import ChatWriter
    from gateway.views import Lane, Span, Text, Tool

__all__ = ["OpenAIChat"]


class OpenAIChat(CompletingDialect):
    """
    ``POST /v1/chat/completions``.
    """

    name: ClassVar[str] = NAME
    operations: ClassVar[tuple[str, ...]] = ("generate",)
    path: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"generate": "/chat/completions"}
    )
    caps: ClassVar[tuple[str, ...]] = ("max_completion_tokens", "max_tokens")
    envelope: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "id": "chatcmpl-cut",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "",
        }
    )

    def silence(self) -> dict[str, Any]:
        """
        Make a delta that says nothing.
        """
        return {"delta": {}}

    # --- requests ---------------------------------------------------------------------------

    def check_request(self, request: Request) -> None:
        """
        Check also what bounds the cost: counts of tokens and of choices.
        """
        super().check_request(request)
        if not isinstance(request.doc.get("messages"), list):
            raise InvalidRequest("messages: a list is required")
        check_counts(request, self.caps)

    def request_texts(self, request: Request) -> list[Text]:
        """
        List the texts of *request*.
        """
        return request_texts(request)

    def instruct(self, request: Request, words: str) -> bool:
        """
        Begin the conversation with a system message.
        """
        request.doc["messages"].insert(0, {"role": "system", "content": words})
        return True

    def tools_of(self, request: Request) -> Sequence[Tool]:
        """
        List the tools that *request* offers, the web search among them.
        """
        return offered_tools(request)

    def drop_foreign_seals(self, request: Request) -> int:
        """
        Take out the ``thinking_blocks`` that another dialect's provider sealed.
        """
        return seals.drop_foreign_seals(request)

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

    def tracker(self, request: Request) -> live.SentChunks:
        """
        Make a tracker of what was sent.
        """
        return live.SentChunks(live.choice_count(request))

    # --- translation ------------------------------------------------------------------------

    def to_neutral(self, request: Request, losses: neutral.Losses) -> neutral.Ask:
        """
        Read *request* into the neutral form.
        """
        from gateway.dialects.openai_chat.read_ask import read_ask

        return read_ask(request, losses)

    def from_neutral(
        self, ask: neutral.Ask, losses: neutral.Losses, limits: ModelLimits
    ) -> Request:
        """
        Write *ask* in this dialect.
        """
        from gateway.dialects.openai_chat.write_ask import write_ask

        return Request(self, doc=write_ask(ask, losses, limits))

    def read_answer(self, response: Response) -> neutral.Answer:
        """
        Read a whole answer.
        """
        from gateway.dialects.openai_chat.answer import read_answer

        return read_answer(response.doc)

    def write_answer(
        self, answer: neutral.Answer, asked: Request, losses: neutral.Losses
    ) -> Response:
        """
        Write *answer* to the caller who *asked*.
        """
        from gateway.dialects.openai_chat.answer import write_answer

        return Response(self, doc=write_answer(answer, asked, losses))

    def stream_reader(self) -> ChatReader:
        """
        Make a reader of one stream.
        """
        from gateway.dialects.openai_chat.stream_reader import ChatReader

        return ChatReader()

    def stream_writer(self, asked: Request, losses: neutral.Losses) -> ChatWriter:
        """
        Make a writer of one stream.
        """
        from gateway.dialects.openai_chat.stream_writer import ChatWriter

        return ChatWriter(self, asked, losses)
