"""
Write responses as a stream of events.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import orjson

from gateway.testing.fake.answer import Answer, Said, call_pieces
from gateway.testing.fake.errors import Vendor, VendorError
from gateway.testing.fake.frames import Event
from gateway.testing.fake.openai_responses import (
    content_part,
    has_message,
    head,
    logprobs_of,
    message_item,
    reasoning_item,
    tells_reasoning,
    tool_item,
    url_citations,
    whole_response,
)
from gateway.testing.fake.openai_responses_request import read_response
from gateway.testing.fake.operation import Operation

__all__ = ["RESPONSES"]


@attrs.define
class _Writer:
    """
    Numbers the events of one stream and the items in it.
    """

    answer: Answer
    sequence: int = 0
    output_index: int = 0
    _place: dict[str, Any] = attrs.field(factory=dict)

    def events(self) -> Iterator[Event]:
        """
        Write the whole stream.
        """
        answer = self.answer
        said = answer.said[0]
        yield self._lifecycle("response.created", head(answer))
        yield self._lifecycle("response.in_progress", head(answer))
        if said.reasoning:
            yield from self._reasoning(said)
        if has_message(said) or answer.script.never_end:
            yield from self._message(said)
        for index in range(len(said.calls)):
            yield from self._call(index, said)
        whole = whole_response(answer)
        yield self._lifecycle(f"response.{whole['status']}", whole)

    def _event(self, kind: str, written: str = "", /, **fields: Any) -> Event:
        document = {"type": kind, **fields, "sequence_number": self.sequence}
        self.sequence += 1
        return Event(orjson.dumps(self.answer.add(document)), kind, written)

    def _lifecycle(self, name: str, response: dict[str, Any]) -> Event:
        return self._event(name, response=response)

    def _open(self, item: dict[str, Any], text: str = "") -> Event:
        self._place = {"item_id": item["id"], "output_index": self.output_index}
        return self._event(
            "response.output_item.added",
            text,
            output_index=self.output_index,
            item=item,
        )

    def _close(self, item: dict[str, Any]) -> Event:
        event = self._event(
            "response.output_item.done", output_index=self.output_index, item=item
        )
        self.output_index += 1
        return event

    def _delta(self, name: str, piece: str, **more: Any) -> Event:
        if _wants_obfuscation(self.answer):
            more["obfuscation"] = "x" * (-len(piece) % 16)
        return self._event(name, piece, **self._place, **more, delta=piece)

    def _reasoning(self, said: Said) -> Iterator[Event]:
        is_told = tells_reasoning(self.answer)
        opened = reasoning_item(self.answer, said, is_done=False)
        yield self._open(opened, "" if is_told else said.reasoning)
        if is_told and self.answer.script.reasoning_part == "text":
            yield from self._reasoning_text(said)
        elif is_told:
            yield from self._summary(said)
        yield self._close(reasoning_item(self.answer, said))

    def _summary(self, said: Said) -> Iterator[Event]:
        name = "response.reasoning_summary"
        place = {**self._place, "summary_index": 0}
        part = {"type": "summary_text", "text": ""}
        yield self._event(f"{name}_part.added", **place, part=part)
        for piece in said.reasoning_pieces:
            yield self._delta(f"{name}_text.delta", piece, summary_index=0)
        yield self._event(f"{name}_text.done", **place, text=said.reasoning)
        part = {"type": "summary_text", "text": said.reasoning}
        yield self._event(f"{name}_part.done", **place, part=part)

    def _reasoning_text(self, said: Said) -> Iterator[Event]:
        place = {**self._place, "content_index": 0}
        part = {"type": "reasoning_text", "text": ""}
        yield self._event("response.content_part.added", **place, part=part)
        for piece in said.reasoning_pieces:
            yield self._delta("response.reasoning_text.delta", piece, content_index=0)
        done = "response.reasoning_text.done"
        yield self._event(done, **place, text=said.reasoning)
        part = {"type": "reasoning_text", "text": said.reasoning}
        yield self._event("response.content_part.done", **place, part=part)

    def _message(self, said: Said) -> Iterator[Event]:
        answer = self.answer
        yield self._open(message_item(answer, said, is_done=False))
        place = {**self._place, "content_index": 0}
        opened = content_part(answer, said, "")
        yield self._event("response.content_part.added", **place, part=opened)
        if said.refusal is not None:
            yield from self._refusal(said, place)
        else:
            yield from self._text(said, place)
        done = content_part(answer, said)
        yield self._event("response.content_part.done", **place, part=done)
        yield self._close(message_item(answer, said))

    def _refusal(self, said: Said, place: dict[str, Any]) -> Iterator[Event]:
        for piece in said.refusal_pieces:
            yield self._delta("response.refusal.delta", piece, content_index=0)
        yield self._event("response.refusal.done", **place, refusal=said.refusal)

    def _text(self, said: Said, place: dict[str, Any]) -> Iterator[Event]:
        answer = self.answer
        name = "response.output_text"
        for piece in answer.pieces(said):
            logprobs = logprobs_of(answer, (piece,))
            yield self._delta(
                f"{name}.delta", piece, content_index=0, logprobs=logprobs
            )
        for index, annotation in enumerate(url_citations(answer)):
            yield self._event(
                f"{name}.annotation.added",
                **place,
                annotation_index=index,
                annotation=annotation,
            )
        logprobs = logprobs_of(answer, said.pieces)
        yield self._event(f"{name}.done", **place, text=said.text, logprobs=logprobs)

    def _call(self, index: int, said: Said) -> Iterator[Event]:
        call = said.calls[index]
        yield self._open(tool_item(self.answer, index, is_done=False))
        name, key = "response.function_call_arguments", "arguments"
        if call.is_custom:
            name, key = "response.custom_tool_call_input", "input"
        for piece in call_pieces(call, said.split):
            yield self._delta(f"{name}.delta", piece)
        yield self._event(f"{name}.done", **self._place, **{key: call.arguments})
        yield self._close(tool_item(self.answer, index))


def _wants_obfuscation(answer: Answer) -> bool:
    options = answer.ask.body.get("stream_options")
    return isinstance(options, dict) and options.get("include_obfuscation") is True


def _events(answer: Answer) -> Iterator[Event]:
    return _Writer(answer).events()


def _error_event(answer: Answer, error: VendorError, sent: int) -> Event:
    """
    Write an error in the middle of a stream: an error event, or a failed response.
    """
    code = error.code or "server_error"
    if answer.script.error_shape == "failed":
        name = "response.failed"
        failed = head(answer)
        failed["status"] = "failed"
        failed["error"] = {"code": code, "message": error.message}
        document: dict[str, Any] = {"type": name, "response": failed}
    else:
        name = "error"
        document = {
            "type": name,
            "code": code,
            "message": error.message,
            "param": error.param,
        }
    document["sequence_number"] = sent
    return Event(orjson.dumps(document), name)


RESPONSES = Operation(
    name="response",
    vendor=Vendor.OPENAI,
    read=read_response,
    whole=whole_response,
    events=_events,
    error_event=_error_event,
)
