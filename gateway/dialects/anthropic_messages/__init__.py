"""
Anthropic's messages and its counting of tokens.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from gateway import codec
from gateway.dialects.anthropic_messages import (
    answer_texts,
    faults,
    outcome,
    request_texts,
    seals,
    sent,
    tools,
)
from gateway.dialects.anthropic_messages.wire import NAME
from gateway.dialects.dialect import Dialect
from gateway.dialects.tiers import anthropic_region, anthropic_tier
from gateway.errors import InvalidRequest
from gateway.views import Request, Response, fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway import neutral
    from gateway.dialects.dialect import (
        Facts,
        ModelLimits,
        StreamReader,
        StreamWriter,
        Tracker,
    )
    from gateway.errors import ExchangeError
    from gateway.usage import Usage
    from gateway.views import Chunk, Lane, Text, Tool


class AnthropicMessages(Dialect):
    """
    Anthropic's messages.
    """

    name: ClassVar[str] = NAME
    vendor: ClassVar[str] = "anthropic"
    operations: ClassVar[tuple[str, ...]] = ("generate", "count_tokens")
    path: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "generate": "/v1/messages",
            "count_tokens": "/v1/messages/count_tokens",
        }
    )
    terminal_marks: ClassVar[tuple[bytes, ...]] = (b"message_stop",)
    ping: ClassVar[bytes] = b'event: ping\ndata: {"type":"ping"}\n\n'

    # --- requests -----------------------------------------------------------------------

    def check_request(self, request: Request) -> None:
        """
        Check what routing and the views need of a request.
        """
        super().check_request(request)
        doc = request.doc
        if not isinstance(doc.get("messages"), list):
            raise InvalidRequest("messages: a list is required")
        if not isinstance(doc.get("tools"), list | None):
            raise InvalidRequest("tools: must be a list")
        most = doc.get("max_tokens")
        if most is None and request.operation != "generate":
            return
        if most.__class__ is not int or most < 0:
            raise InvalidRequest("max_tokens: a whole number is required")

    def is_stream(self, request: Request) -> bool:
        """
        Tell whether *request* wants a stream; a count of tokens never is one.
        """
        return request.operation == "generate" and super().is_stream(request)

    def instruct(self, request: Request, words: str) -> bool:
        """
        Begin the system prompt with *words*, in a block of its own where it has blocks.
        """
        doc = request.doc
        told = doc.get("system")
        if isinstance(told, list):
            told.insert(0, {"type": "text", "text": words})
        else:
            more = f"\n\n{told}" if isinstance(told, str) and told else ""
            doc["system"] = words + more
        return True

    def request_texts(self, request: Request) -> list[Text]:
        """
        List the texts of *request*.
        """
        return request_texts.request_texts(request)

    def tools_of(self, request: Request) -> Sequence[Tool]:
        """
        List the tools that *request* offers, remote MCP servers among them.
        """
        return tools.tools_of(request)

    def service_tier(self, request: Request) -> str | None:
        """
        Return ``service_tier``, or that ``speed`` asks for the fast mode.
        """
        return anthropic_tier(request.peek("service_tier"), request.peek("speed"))

    def region(self, request: Request) -> str | None:
        """
        Return ``inference_geo``.
        """
        return anthropic_region(request.peek("inference_geo"))

    def output_cap(self, request: Request) -> int | None:
        """
        Return the most tokens that the answer may have, thinking included.
        """
        most = request.peek("max_tokens")
        return most if isinstance(most, int) else None

    def set_output_cap(self, request: Request, tokens: int) -> None:
        """
        Cap the answer at *tokens*.
        """
        request.patch("max_tokens", tokens)

    def drop_foreign_seals(self, request: Request) -> int:
        """
        Take out the thinking that another vendor sealed.
        """
        return seals.drop_foreign_seals(request)

    # --- answers ------------------------------------------------------------------------

    def response_texts(self, response: Response) -> list[Text]:
        """
        List the texts of *response*, errors included.
        """
        return answer_texts.response_texts(response)

    def finish_reasons(self, response: Response) -> Sequence[str]:
        """
        Return why the model stopped.
        """
        reason = _doc(response).get("stop_reason")
        return (reason,) if isinstance(reason, str) else ()

    def usage_of(self, response: Response) -> Usage | None:
        """
        Return what the provider says was used; a count of tokens uses nothing.
        """
        return outcome.read_usage(_doc(response).get("usage"))

    def stop_of(self, response: Response) -> neutral.Stop | None:
        """
        Return why the model stopped.
        """
        doc = _doc(response)
        if doc.get("type") != "message":
            return None
        return outcome.stop_of(doc)

    # --- streams ------------------------------------------------------------------------

    def chunk_texts(self, chunk: Chunk) -> list[Text]:
        """
        List the texts of *chunk*; lanes are (choice, block, part, kind).
        """
        return answer_texts.chunk_texts(chunk)

    def chunk_ends(self, chunk: Chunk) -> Sequence[Lane]:
        """
        Return prefixes of the lanes that *chunk* ends.
        """
        return answer_texts.chunk_ends(chunk)

    def is_terminal(self, chunk: Chunk) -> bool:
        """
        Tell whether *chunk* is ``message_stop``.
        """
        return chunk.event == b"message_stop"

    def is_terminal_frame(self, frame: bytes) -> bool:
        """
        Tell the same by a byte test.
        """
        return b"message_stop" in frame and fields_of(frame)[0] == b"message_stop"

    def facts(self) -> Facts:
        """
        Make a reader of usage and stop for one stream.
        """
        return sent.MessagesFacts()

    def tracker(self, request: Request) -> Tracker:
        """
        Make a tracker for one stream that answers *request*.
        """
        return sent.MessagesTracker(request)

    def cut(self, tracker: Tracker, error: ExchangeError) -> list[Chunk]:
        """
        End a stream that is under way: as a refusal, or with an error event.
        """
        assert isinstance(tracker, sent.MessagesTracker)  # noqa: S101 - made above
        return sent.cut(self, tracker, error)

    # --- errors -------------------------------------------------------------------------

    def error_response(self, error: ExchangeError, request_id: str) -> Response:
        """
        Render *error* as Anthropic would.
        """
        doc = faults.error_doc(error, request_id)
        headers = dict(error.headers)
        status = faults.status_of(error)
        return Response(self, doc=doc, status=status, headers=headers)

    def read_fault(self, status: int, body: bytes) -> neutral.Fault:
        """
        Read a provider's error body, of whatever shape.
        """
        return faults.read_body(status, body)

    def write_fault(self, fault: neutral.Fault, request_id: str) -> Response:
        """
        Render a provider's error, with Anthropic's status for it.
        """
        status, doc = faults.fault_doc(fault, request_id)
        return Response(self, doc=doc, status=status)

    # --- translation --------------------------------------------------------------------

    def to_neutral(self, request: Request, losses: neutral.Losses) -> neutral.Ask:
        """
        Read *request* into the neutral form.
        """
        from gateway.dialects.anthropic_messages.read_ask import read_ask

        return read_ask(request, losses)

    def from_neutral(
        self, ask: neutral.Ask, losses: neutral.Losses, limits: ModelLimits
    ) -> Request:
        """
        Write *ask* in this dialect; what it cannot say goes on *losses*.
        """
        from gateway.dialects.anthropic_messages.write_ask import write_ask

        # As bytes, so that no node of the caller's document is shared with it.
        return Request(self, codec.dumps(write_ask(ask, losses, limits)))

    def read_answer(self, response: Response) -> neutral.Answer:
        """
        Read a whole answer into the neutral form.
        """
        from gateway.dialects.anthropic_messages.answer import read_answer

        return read_answer(_doc(response))

    def write_answer(
        self, answer: neutral.Answer, asked: Request, losses: neutral.Losses
    ) -> Response:
        """
        Write an answer to the caller who *asked*.
        """
        from gateway.dialects.anthropic_messages.answer import write_answer

        doc = write_answer(answer, asked, losses)
        return Response(self, codec.dumps(doc))

    def stream_reader(self) -> StreamReader:
        """
        Make a reader of one provider's stream.
        """
        from gateway.dialects.anthropic_messages.stream_reader import MessagesReader

        return MessagesReader()

    def stream_writer(self, asked: Request, losses: neutral.Losses) -> StreamWriter:
        """
        Make a writer of one stream to the caller who *asked*.
        """
        from gateway.dialects.anthropic_messages.stream_writer import MessagesWriter

        return MessagesWriter(self, asked, losses)


def _doc(response: Response) -> dict[str, Any]:
    doc = response.doc
    return doc if isinstance(doc, dict) else {}
