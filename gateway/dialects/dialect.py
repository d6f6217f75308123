"""
What a dialect does: one wire format's views, framing, errors, neutral reader and writer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from gateway import codec
from gateway.errors import InvalidRequest, UnsupportedOperation
from gateway.sse import marked
from gateway.views import Chunk, Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gateway import neutral
    from gateway.errors import ExchangeError
    from gateway.usage import Usage
    from gateway.views import Lane, Span, Text, Tool


#: Members of which every whole answer has one, and no error.
_ANSWERS: Final = frozenset(("choices", "content", "data", "output"))


class Tracker(Protocol):
    """
    What was really sent to the caller, so that the stream can be ended validly at any event.
    """

    def note(self, frame: bytes) -> None:
        """
        Remember what *frame*, one whole SSE frame, opened and closed; must be cheap.
        """

    def note_all(self, frames: Sequence[bytes], data: bytes) -> None:
        """
        Remember each of *frames*, joined *data*, which may tell at once that none matters.
        """


class Facts(Protocol):
    """
    What the provider's own stream says of usage and of why it stopped.

    Attributes:
        tells: Byte strings one of which stands in every frame worth reading.
        usage: The last usage seen, or None.
        stop: Why the model stopped, or None.
        fault: The error that the provider reported in mid-stream, or None.
    """

    tells: tuple[bytes, ...]
    usage: Usage | None
    stop: neutral.Stop | None
    fault: neutral.Fault | None

    def read(self, chunk: Chunk) -> None:
        """
        Take over what *chunk* says.
        """


class StreamReader(Protocol):
    """
    Reads one provider's stream into neutral events.
    """

    def read(self, chunk: Chunk) -> Iterable[neutral.Event]:
        """
        Return the events that *chunk* means, in order; every event once.
        """


class StreamWriter(Protocol):
    """
    Writes neutral events as one valid stream of the dialect.
    """

    def write(self, event: neutral.Event) -> Iterable[Chunk]:
        """
        Return the chunks that say *event*; what must wait for later events is kept.
        """


class Dialect(ABC):
    """
    A wire format.

    A dialect has no state: one instance serves every exchange.  Methods that take a `Request`,
    `Response` or `Chunk` are called by those views; plugins use the views.

    Attributes:
        name: The word used in settings, logs and trails: ``openai_chat``.
        vendor: Whose format it is; same vendor, same error shapes and credential headers.
        operations: Which operations it speaks, `generate` first where it does.
        path: The provider's path below its base URL (``/chat/completions``), by operation.
        served_at: Whole paths at which callers reach it, each with its operation, as aiohttp
            writes them: ``{"/v1beta/models/{model}:embedContent": "embed"}``.  The core's own
            dialects have theirs from the table of `gateway.server.routes`.
        done: The frame that ends a stream behind the last event, or b"".
        terminal_marks: Byte strings one of which stands in every frame that ends a stream, so
            that a read without any need not be looked at frame by frame; () for always look.
        ping: A frame that keeps a silent stream alive.
        unreadable_fields: Members of a request that may hold words in a form that no view can
            show; see `unreadable`.
    """

    name: ClassVar[str]
    vendor: ClassVar[str]
    operations: ClassVar[tuple[str, ...]]
    path: ClassVar[Mapping[str, str]]
    served_at: ClassVar[Mapping[str, str]] = MappingProxyType({})
    done: ClassVar[bytes] = b""
    terminal_marks: ClassVar[tuple[bytes, ...]] = ()
    ping: ClassVar[bytes] = b": ping\n\n"
    unreadable_fields: ClassVar[tuple[str, ...]] = ()

    def __repr__(self) -> str:
        return self.name

    # --- requests ---------------------------------------------------------------------------

    def read_request(self, raw: bytes, operation: str) -> Request:
        """
        Read a caller's body.

        Raises:
            InvalidRequest: if it is not a JSON object, or lacks what every request of the
                dialect must have; names what is wrong, quotes nothing.
        """
        request = self._parse(raw, operation)
        self.check_request(request)
        return request

    def _parse(self, raw: bytes, operation: str) -> Request:
        try:
            doc = codec.read(raw)
        except codec.JsonError as exc:
            msg = f"the body could not be read: {exc}"
            raise InvalidRequest(msg) from None
        if not isinstance(doc, dict):
            msg = "the body must be a JSON object"
            raise InvalidRequest(msg)
        return Request(self, raw, doc, operation=operation)

    def read_call(
        self, raw: bytes, operation: str, values: Mapping[str, str]
    ) -> Request:
        """
        Read a caller's body that came to a path with braces; as `read_request`.

        Args:
            values: What stood in the place of the braces: a model's name.
        """
        return self.read_request(raw, operation)

    def check_request(self, request: Request) -> None:
        """
        Check what routing needs of a request: its model, and the types of what it reads.
        """
        doc = request.doc
        model = doc.get("model")
        if not isinstance(model, str) or not model or len(model) > 512:
            msg = "model: a string is required"
            raise InvalidRequest(msg)
        if not model.isprintable():  # it stands in headers and logs
            msg = "model: must not hold control characters or halves of characters"
            raise InvalidRequest(msg)
        if not isinstance(doc.get("stream"), bool | None):
            msg = "stream: must be true or false"
            raise InvalidRequest(msg)

    def model_of(self, request: Request) -> str:
        """
        Return the model that *request* names.
        """
        model: str = request.peek("model")
        return model

    def set_model(self, request: Request, name: str) -> None:
        """
        Name another model.
        """
        request.patch("model", name)

    def is_stream(self, request: Request) -> bool:
        """
        Tell whether *request* wants a stream.
        """
        return request.peek("stream") is True

    @abstractmethod
    def request_texts(self, request: Request) -> list[Text]:
        """
        List the texts of *request*; see `Request.texts`.
        """

    def unreadable(self, request: Request) -> Sequence[str]:
        """
        Name the fields of *request* that hold words in a form that no view can show.

        Token numbers, for instance: who must inspect them can only refuse.
        """
        return ()

    def tools_of(self, request: Request) -> Sequence[Tool]:
        """
        List the tools that *request* offers.
        """
        return ()

    def service_tier(self, request: Request) -> str | None:
        """
        Return the service tier that *request* asks for; None leaves it to the provider.
        """
        return None

    def region(self, request: Request) -> str | None:
        """
        Return where *request* wants to be computed, if that has a price; None if it does not say.
        """
        return None

    def output_cap(self, request: Request) -> int | None:
        """
        Return the most tokens that the answer may have, or None.
        """
        return None

    def set_output_cap(self, request: Request, tokens: int) -> None:
        """
        Cap the answer at *tokens*.
        """
        raise UnsupportedOperation(f"{self.name} has no output cap")

    def instruct(self, request: Request, words: str) -> bool:
        """
        Put *words* before all other instructions to the model.

        Returns:
            Whether the dialect has a place for instructions.
        """
        return False

    def ask_for_usage(self, request: Request) -> bool:
        """
        Make sure that the provider's stream will say what it used.

        Returns:
            Whether the caller must not see it, because the caller did not ask.
        """
        return False

    def drop_foreign_seals(self, request: Request) -> int:
        """
        Take out of *request* the reasoning that another dialect's provider sealed.

        Called where the request is passed through, for such seals are wrapped and no provider
        can read them (`gateway.neutral.Seal`): a caller may bring the reasoning of one that
        answered an earlier turn.

        Returns:
            How many pieces of reasoning were taken out.
        """
        return 0

    def is_usage_only(self, chunk: Chunk) -> bool:
        """
        Tell whether *chunk* says nothing but what was used.
        """
        return False

    # --- answers ----------------------------------------------------------------------------

    @abstractmethod
    def response_texts(self, response: Response) -> list[Text]:
        """
        List the texts of *response*, errors included.
        """

    def response_spans(self, response: Response) -> list[Span]:
        """
        List the offsets into its texts that *response* carries.
        """
        return []

    def finish_reasons(self, response: Response) -> Sequence[str]:
        """
        Return why each choice ended.
        """
        return ()

    def error_of(self, response: Response) -> str | None:
        """
        Return the message of the error that *response* is, or None.
        """
        error = response.doc.get("error") if isinstance(response.doc, dict) else None
        if isinstance(error, dict):
            return str(error.get("message") or "error")
        return None

    def fault_of(self, response: Response) -> neutral.Fault | None:
        """
        Return the error that a provider's answer is though its status says that all is well.

        OpenRouter answers so, and many a proxy.  Nothing but an error counts: what an answer
        holds beside one is the caller's.

        Raises:
            TypeError: It is neither an answer nor an error.
        """
        doc = response.doc
        if not isinstance(doc, dict):
            raise TypeError("the answer is no object")
        if not doc.get("error") or not _ANSWERS.isdisjoint(doc):
            return None
        return self.read_fault(response.status, response.encode())

    def usage_of(self, response: Response) -> Usage | None:
        """
        Return what the provider says was used, or None.
        """
        return None

    def stop_of(self, response: Response) -> neutral.Stop | None:
        """
        Return why the model stopped; with several choices the worst.
        """
        return None

    # --- streams ----------------------------------------------------------------------------

    def chunk_texts(self, chunk: Chunk) -> list[Text]:
        """
        List the texts of *chunk*; lanes are (choice, item, part, kind).

        May set `Chunk.is_plain`, which saves the two methods below for nearly all events.
        """
        return []

    def chunk_ends(self, chunk: Chunk) -> Sequence[Lane]:
        """
        Return prefixes of the lanes that *chunk* ends; ``((),)`` ends all.
        """
        return ()

    def chunk_spans(self, chunk: Chunk) -> list[Span]:
        """
        List the offsets into lanes that *chunk* carries.
        """
        return []

    def is_terminal(self, chunk: Chunk) -> bool:
        """
        Tell whether *chunk* is the event that ends a stream well, or `done`.
        """
        return chunk.is_done

    def is_terminal_frame(self, frame: bytes) -> bool:
        """
        Tell the same by a byte test, without parsing.
        """
        return frame == self.done

    def end_in(self, frames: Sequence[bytes], data: bytes) -> int | None:
        """
        Return the place of the first of *frames*, joined *data*, that ends the stream, or None.
        """
        marks = self.terminal_marks
        for at in marked(frames, data, marks) if marks else range(len(frames)):
            if self.is_terminal_frame(frames[at]):
                return at
        return None

    def facts(self) -> Facts | None:
        """
        Make a reader of usage and stop for one stream, or None if the dialect has no streams.
        """
        return None

    def tracker(self, request: Request) -> Tracker | None:
        """
        Make a tracker for one stream that answers *request*.
        """
        return None

    def cut(self, tracker: Tracker, error: ExchangeError) -> list[Chunk]:
        """
        End a stream that is under way, so that the caller's SDK raises the right exception.

        A refusal by a guardrail ends it as the vendor's own content filter would; anything
        else with the vendor's error event.
        """
        raise UnsupportedOperation(f"{self.name} has no streams")

    # --- errors -----------------------------------------------------------------------------

    @abstractmethod
    def error_response(self, error: ExchangeError, request_id: str) -> Response:
        """
        Render *error* as the vendor would; status and headers are the error's own.
        """

    @abstractmethod
    def read_fault(self, status: int, body: bytes) -> neutral.Fault:
        """
        Read a provider's error body; of any shape, for proxies answer HTML.
        """

    @abstractmethod
    def write_fault(self, fault: neutral.Fault, request_id: str) -> Response:
        """
        Render a provider's error in this dialect.
        """

    # --- translation ------------------------------------------------------------------------

    def to_neutral(self, request: Request, losses: neutral.Losses) -> neutral.Ask:
        """
        Read *request* into the neutral form.
        """
        raise UnsupportedOperation(f"{self.name} is not translated")

    def from_neutral(
        self, ask: neutral.Ask, losses: neutral.Losses, limits: ModelLimits
    ) -> Request:
        """
        Write *ask* in this dialect; what it cannot say goes on *losses*.
        """
        raise UnsupportedOperation(f"{self.name} is not translated")

    def read_answer(self, response: Response) -> neutral.Answer:
        """
        Read a whole answer into the neutral form.
        """
        raise UnsupportedOperation(f"{self.name} is not translated")

    def write_answer(
        self, answer: neutral.Answer, asked: Request, losses: neutral.Losses
    ) -> Response:
        """
        Write *answer* to the caller who *asked*.
        """
        raise UnsupportedOperation(f"{self.name} is not translated")

    def stream_reader(self) -> StreamReader:
        """
        Make a reader of one provider's stream.
        """
        raise UnsupportedOperation(f"{self.name} has no streams")

    def stream_writer(self, asked: Request, losses: neutral.Losses) -> StreamWriter:
        """
        Make a writer of one stream to the caller who *asked*.
        """
        raise UnsupportedOperation(f"{self.name} has no streams")


class ModelLimits(Protocol):
    """
    What the catalog knows of the target model, as far as writing a request needs it.

    Attributes:
        max_output_tokens: The model's documented maximum, or None.
        takes_sampling: Whether it accepts temperature, top_p and top_k; None if unknown.
        reasons_adaptively: Whether it takes Anthropic's adaptive thinking; None if unknown.
    """

    @property
    def max_output_tokens(self) -> int | None: ...  # noqa: D102 - told above
    @property
    def takes_sampling(self) -> bool | None: ...  # noqa: D102
    @property
    def reasons_adaptively(self) -> bool | None: ...  # noqa: D102


def fragment(doc: dict[str, Any], *keys: str) -> dict[str, Any]:
    """
    Return the members of *doc* at *keys*, where they are there.
    """
    return {key: doc[key] for key in keys if key in doc}
