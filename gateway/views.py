"""
Views: what plugins see of a request, a response and the chunks of a stream.

A view lies over the parsed document in the caller's own dialect.  It is *clean* (encoded as the
bytes that came), *patched* (top-level values spliced into those bytes) or *dirty* (serialised
anew).  Whoever keeps a view beyond the hook call that it was handed to keeps ``encode()``, for
the stages after it may still edit the document.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal
from weakref import ref

import attrs

from gateway import codec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateway.dialects import Dialect

#: (choice, item, part, kind); only equality matters.
Lane = tuple[Any, ...]
Form = Literal["delta", "whole", "repeat"]

#: What a text is.  The last one is what nobody listed.
MESSAGE: Final = "message"
REASONING: Final = "reasoning"
SUMMARY: Final = "summary"
REFUSAL: Final = "refusal"
ARGUMENTS: Final = "tool_arguments"
TOOL_RESULT: Final = "tool_result"
TOOL_DEFINITION: Final = "tool_definition"
SCHEMA: Final = "schema"
DOCUMENT: Final = "document"
ANNOTATION: Final = "annotation"
TRANSCRIPT: Final = "transcript"
PREDICTION: Final = "prediction"
NAME: Final = "name"
ERROR: Final = "error"
UNKNOWN: Final = "unknown"

DONE: Final = b"[DONE]"
#: As long as anybody writes them.
_WHOLE_NUMBER: Final = re.compile(r"0|-?[1-9][0-9]{0,999}")
#: As numbers, which are looked for faster than bytes.
_CARRIAGE_RETURN: Final = ord("\r")
_LINE_FEED: Final = ord("\n")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_MORE_LINES = re.compile(rb"(?:^|[\r\n])(?!data[:\r\n]|event[:\r\n])[^\r\n]")
_TWO_NAMES = re.compile(rb"(?s:(?:^|[\r\n])event[:\r\n].*[\r\n]event[:\r\n])")


class SealedError(Exception):
    """
    The text is covered by a signature, so an edit would make the provider refuse it.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(f"sealed {kind} must not be edited")


class Text:
    """
    One piece of text in a document, replaceable in place.

    It does not keep its view, which keeps it: else only the collector would free the two, and a
    stream of large events would pile up until it comes.

    Attributes:
        kind: What it is: `MESSAGE`, `ARGUMENTS`, … `UNKNOWN`.
        role: Who said it: ``user``, ``assistant``, ``system``, ``tool``, ``provider``.
        lane: Which running text it belongs to; deltas of one lane follow each other.
        form: ``delta`` (a piece of its lane), ``whole``, or ``repeat`` (says again what the
            deltas of its lane said).
        sealed: Covered by a signature; `replace` raises `SealedError`.
        is_json: A delta of JSON source whose string tokens are the text (tool arguments).
        json_type: What it is among tool arguments that are parsed, or would be: a ``string``, or
            a whole ``number`` seen as its digits; None elsewhere, and for the name of a key.
    """

    __slots__ = (
        "_view",
        "beside",
        "box",
        "form",
        "is_json",
        "json_type",
        "key",
        "kind",
        "lane",
        "role",
        "sealed",
    )

    def __init__(  # positional: made for every text of every document
        self,
        view: View,
        box: Any,
        key: Any,
        kind: str,
        role: str | None,
        lane: Lane,
        form: Form = "whole",
        sealed: bool = False,
        beside: Callable[[], None] | None = None,
        is_json: bool = False,
    ) -> None:
        self._view = ref(view)
        self.box = box
        self.key = key
        self.kind = kind
        self.role = role
        self.lane = lane
        self.form: Form = form
        self.sealed = sealed
        self.beside = beside
        self.is_json = is_json
        self.json_type: Literal["string", "number"] | None = None

    def __repr__(self) -> str:
        return f"<Text {self.kind} {self.role} {self.lane} {self.form}>"

    @property
    def value(self) -> str:
        """
        The text as it stands now.
        """
        value: str = self.box[self.key]
        return value

    def replace(self, new: str) -> None:
        """
        Put *new* in its place; what repeats the text token by token beside it is blanked.

        Raises:
            SealedError: if a signature covers the text.
        """
        if self.sealed:
            raise SealedError(self.kind)
        self.box[self.key] = new
        if self.beside is not None:
            self.beside()
        view = self._view()
        if view is not None:
            view.touch()

    def replace_by_number(self, digits: str) -> None:
        """
        Put the whole number of *digits* in the place of a text that has a `json_type`.

        Raises:
            SealedError: if a signature covers the text.
        """
        if self.box.__class__ is not WholeNumber:
            self.box = WholeNumber(self.box)
        self.json_type = "number"
        self.replace(digits)


class WholeNumber:
    """
    A whole number in a box, seen as its digits; what is put there and is none makes a string.
    """

    __slots__ = ("box",)

    def __init__(self, box: Any) -> None:
        self.box = box

    def __getitem__(self, key: Any) -> str:
        return str(self.box[key])

    def __setitem__(self, key: Any, new: str) -> None:
        self.box[key] = int(new) if is_whole_number(new) else new


def is_whole_number(text: str) -> bool:
    """
    Tell whether *text* is a whole number as JSON has them, and no longer than anybody's.
    """
    return _WHOLE_NUMBER.fullmatch(text) is not None


@attrs.frozen(kw_only=True)
class Span:
    """
    Offsets into a lane's text that a document carries (an annotation's place).

    Attributes:
        lane: The lane that the offsets count in.
        box: The object that holds them.
        start: Its key of the first character, or None.
        end: Its key of the character after the last, or None.
    """

    lane: Lane
    box: dict[str, Any]
    start: str | None
    end: str | None


@attrs.frozen(kw_only=True)
class Tool:
    """
    A tool that the caller offers to the model.

    Attributes:
        name: What the model calls it by.
        kind: ``function``, ``custom`` or the dialect's word for a hosted tool.
        is_hosted: The provider runs it, so the request alone does not bound what it costs.
    """

    name: str
    kind: str
    is_hosted: bool


class View:
    """
    A document in a dialect: bytes until somebody asks, the same bytes again while clean.
    """

    __slots__ = ("__weakref__", "_doc", "_raw", "_texts", "dialect", "is_dirty")

    def __init__(
        self, dialect: Dialect, raw: bytes | None = None, doc: Any = None
    ) -> None:
        self.dialect = dialect
        self._raw = raw
        self._doc = doc
        self._texts: list[Text] | None = None
        self.is_dirty = raw is None

    def __repr__(self) -> str:
        state = "dirty" if self.is_dirty else "clean"
        return f"<{type(self).__name__} {self.dialect.name} {state}>"

    @property
    def doc(self) -> Any:
        """
        The parsed document; whoever changes it calls `touch`.
        """
        doc = self._doc
        if doc is None:
            doc = self._doc = codec.loads(self._raw or b"null")
        return doc

    def touch(self) -> None:
        """
        Say that the document was changed.
        """
        self.is_dirty = True

    def encode(self) -> bytes:
        """
        Return the document's bytes: those that came, unless it was changed.
        """
        if self.is_dirty or self._raw is None:
            self._raw = codec.dumps(self.doc)
            self.is_dirty = False
        return self._raw

    def say_once(self) -> None:
        """
        Have the document written anew if it repeats a key: what nobody saw goes no further.
        """
        if not self.is_dirty and self._raw and codec.repeats_key(self._raw, self.doc):
            self.touch()


class Request(View):
    """
    What the caller asks for, in the caller's dialect.

    `texts` are all words that can be read here.  A prompt of token numbers, which legacy
    completions and embeddings take, is words that cannot, and yields no text: `unreadable` names
    the field that holds one, and who must have inspected every word refuses such a request.
    """

    __slots__ = ("_is_shared", "edits", "operation")

    def __init__(
        self,
        dialect: Dialect,
        raw: bytes | None = None,
        doc: Any = None,
        *,
        operation: str = "generate",
    ) -> None:
        # Not through the class above: a request makes three views.
        self.dialect = dialect
        self._raw = raw
        self._doc = doc
        self._texts = None
        self.is_dirty = raw is None
        self.operation = operation
        #: Names of the top-level values that were patched, for the trail.
        self.edits: tuple[str, ...] = ()
        self._is_shared = False

    @property
    def doc(self) -> Any:
        """
        The parsed document; a fork gets its own the first time it is asked.
        """
        doc = self._doc
        if self._is_shared:
            doc = self._doc = codec.loads(self.encode())
            self._is_shared = False
        elif doc is None:
            doc = self._doc = codec.loads(self._raw or b"null")
        return doc

    def peek(self, key: str) -> Any:
        """
        Read one top-level value without taking a copy of the document; do not change it.
        """
        doc = self._doc if self._doc is not None else self.doc
        return doc.get(key)

    @property
    def members(self) -> Mapping[str, Any]:
        """
        The top level, read without taking a copy of the document; do not change it.
        """
        members: Mapping[str, Any] = self._doc if self._doc is not None else self.doc
        return members

    def fork(self) -> Request:
        """
        Return a request that starts as this one and can be changed without it.
        """
        twin = Request(self.dialect, self.encode(), self._doc, operation=self.operation)
        twin._is_shared = self._doc is not None
        return twin

    def patch(self, key: str, value: Any) -> None:
        """
        Set the top-level *key*, keeping every other byte where that can be done for certain.
        """
        before = self._doc if self._doc is not None else self.doc
        if key in before and before[key] == value:
            return
        if not self.is_dirty and self._raw is not None:
            spliced = codec.splice(self._raw, before, key, value)
            if spliced is not None:
                self._raw = spliced
                # A shallow copy: the nodes below stay shared, or stay where texts found them.
                if self._is_shared:
                    self._doc = {**before, key: value}
                else:
                    before[key] = value
                self.edits += (key,)
                return
        self.doc[key] = value
        self.touch()
        self.edits += (key,)

    @property
    def model(self) -> str:
        """
        The model that the caller names.
        """
        return self.dialect.model_of(self)

    @model.setter
    def model(self, name: str) -> None:
        self.dialect.set_model(self, name)

    @property
    def is_stream(self) -> bool:
        """
        Whether the caller wants the answer as it is written.
        """
        return self.dialect.is_stream(self)

    @property
    def max_output_tokens(self) -> int | None:
        """
        The most tokens that the answer may have; None if the caller set no cap.
        """
        return self.dialect.output_cap(self)

    @max_output_tokens.setter
    def max_output_tokens(self, tokens: int) -> None:
        self.dialect.set_output_cap(self, tokens)

    @property
    def service_tier(self) -> str | None:
        """
        The service tier that the caller asks for; None leaves it to the provider.
        """
        return self.dialect.service_tier(self)

    @property
    def region(self) -> str | None:
        """
        Where the caller wants the answer computed, if that has a price.
        """
        return self.dialect.region(self)

    @property
    def tools(self) -> Sequence[Tool]:
        """
        The tools that the caller offers to the model.
        """
        return self.dialect.tools_of(self)

    def instruct(self, words: str) -> bool:
        """
        Put *words* before all other instructions to the model, in the dialect's own way.

        Returns:
            Whether that can be said here: embeddings take no instructions, nor do prompts of
            token numbers.
        """
        told = self.dialect.instruct(self, words)
        if told:
            self._texts = None
            self.touch()
            self.edits += ("instructions",)
        return told

    @property
    def unreadable(self) -> Sequence[str]:
        """
        The fields that hold words in a form that no view can show: token numbers.

        They yield no texts, so a guardrail that looks at `texts` alone would pass them unseen.
        """
        return self.dialect.unreadable(self)

    def texts(self) -> list[Text]:
        """
        Every piece of text that a person or a model wrote, wherever the dialect hides it.

        A closed world: what the dialect does not list as something else is a text of kind
        ``unknown``.  Words in numbers are not among them; see `unreadable`.
        """
        if self._texts is None or self._is_shared:
            self.doc  # noqa: B018 - a fork takes its own document before anybody edits it
            self._texts = self.dialect.request_texts(self)
        return self._texts


class Response(View):
    """
    A whole answer, or an error, in the caller's dialect.

    Attributes:
        status: The HTTP status that goes with it.
        headers: Headers for the caller beside those that the gateway sets.
    """

    __slots__ = ("headers", "status")

    def __init__(
        self,
        dialect: Dialect,
        raw: bytes | None = None,
        doc: Any = None,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.dialect = dialect
        self._raw = raw
        self._doc = doc
        self._texts = None
        self.is_dirty = raw is None
        self.status = status
        self.headers = headers or {}

    def texts(self) -> list[Text]:
        """
        Every piece of text in the answer; see `Request.texts`.
        """
        if self._texts is None:
            self._texts = self.dialect.response_texts(self)
        return self._texts

    def spans(self) -> list[Span]:
        """
        List the offsets into its texts that the answer carries.
        """
        return self.dialect.response_spans(self)

    @property
    def finish_reasons(self) -> Sequence[str]:
        """
        Why each choice ended, in the dialect's own words.
        """
        return self.dialect.finish_reasons(self)

    @property
    def error(self) -> str | None:
        """
        The message of the error that this is, or None.
        """
        return self.dialect.error_of(self)


class Chunk(View):
    """
    One event of a stream, in the caller's dialect.

    Attributes:
        event: The SSE event name (``b"message_start"``), or None where the dialect has none.
        data: The SSE data as it came; b"" if the chunk was made here.
        has_more_lines: The frame has lines beside its event name and data: comments, ids, a name
            that another one overrides.
        is_plain: It is a piece of one text and nothing else: it ends no lane and carries no
            offsets.  A dialect may say so when it lists the texts, as nearly all events are.
    """

    __slots__ = ("_ends", "data", "event", "has_more_lines", "is_plain")

    def __init__(
        self,
        dialect: Dialect,
        raw: bytes | None = None,
        doc: Any = None,
        *,
        event: bytes | None = None,
    ) -> None:
        # Not through the class above: a stream makes one of these for every event.
        self.dialect = dialect
        self._raw = raw
        self._doc = doc
        self._texts = None
        self.is_dirty = raw is None
        self.event = event
        self.data = b""
        self.has_more_lines = False
        self.is_plain = False
        self._ends: Sequence[Lane] | None = None
        if raw is not None:
            fields = _usual_fields(raw)
            if fields is None:
                fields = _fields_slowly(raw)
                self.has_more_lines = (
                    _MORE_LINES.search(raw) is not None
                    or _TWO_NAMES.search(raw) is not None
                )
            self.event, self.data = fields

    @property
    def doc(self) -> Any:
        """
        The event's document; ``{}`` for ``[DONE]``, comments and events without data.
        """
        doc = self._doc
        if doc is None:
            data = self.data
            if not data or data == DONE:
                doc = self._doc = {}
            else:
                doc, repeats_key = codec.loads_telling(data)
                self._doc = doc
                if repeats_key:  # what nobody saw goes no further
                    self.is_dirty = True
        return doc

    def strip(self) -> bool:
        """
        Take out of the frame what no view shows, so that nothing leaves unseen.

        Returns:
            Whether anything is left.
        """
        if self.has_more_lines:
            lines = [b"data: %b\n" % line for line in self.data.split(b"\n")]
            name = b"event: %b\n" % self.event if self.event else b""
            self._raw = b"%b%b\n" % (name, b"".join(lines))
            self.has_more_lines = False
        return bool(self.data or self.event or self._doc)

    @property
    def is_done(self) -> bool:
        """
        Whether this is OpenAI's ``data: [DONE]``.
        """
        return self.data == DONE

    @property
    def is_terminal(self) -> bool:
        """
        Whether nothing but ``[DONE]`` may follow it in the dialect.
        """
        return self.dialect.is_terminal(self)

    def texts(self) -> list[Text]:
        """
        Every piece of text in the event; see `Request.texts`.
        """
        texts = self._texts
        if texts is None:
            texts = self._texts = self.dialect.chunk_texts(self)
        return texts

    def ends(self) -> Sequence[Lane]:
        """
        Prefixes of the lanes that this event ends.
        """
        if self.is_plain:
            return ()
        ends = self._ends
        if ends is None:
            ends = self._ends = self.dialect.chunk_ends(self)
        return ends

    def spans(self) -> list[Span]:
        """
        List the offsets into lanes that the event carries.
        """
        return [] if self.is_plain else self.dialect.chunk_spans(self)

    def encode(self) -> bytes:
        """
        Return the event as an SSE frame, blank line included.
        """
        # Who looks again sees what it says by then.
        self._texts = None
        if self.is_dirty or self._raw is None:
            body = codec.dumps(self.doc)
            if self.event:
                self._raw = b"event: %b\ndata: %b\n\n" % (self.event, body)
            else:
                self._raw = b"data: %b\n\n" % body
            self.is_dirty = False
        return self._raw


def fields_of(frame: bytes) -> tuple[bytes | None, bytes]:
    """
    Read the event name and the data of one SSE *frame* (WHATWG HTML section 9.2.6).
    """
    return _usual_fields(frame) or _fields_slowly(frame)


def _usual_fields(frame: bytes) -> tuple[bytes | None, bytes] | None:
    """
    Read a frame in one of the two spellings that vendors use, or return None.
    """
    if _CARRIAGE_RETURN in frame:
        return None
    last = len(frame) - 2
    end = frame.find(b"\n")
    if end == last:
        if frame.startswith(b"data: ") and frame[-1] == _LINE_FEED:
            return None, frame[6:-2]
    elif frame.startswith(b"event: "):
        at = end + 1
        if (
            frame.find(b"\n", at) == last
            and frame.startswith(b"data: ", at)
            and frame.endswith(b"\n")
        ):
            return frame[7:end], frame[at + 6 : -2]
    return None


def _fields_slowly(frame: bytes) -> tuple[bytes | None, bytes]:
    event = None
    data = []
    for line in _LINE_END.split(frame):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value
    return event, b"\n".join(data)
