"""
Ending a stream that is under way.

A guardrail ends it as the vendor's own content filter would: what is open is closed, and the
response is incomplete.  Anything else ends it with the error event, at which SDKs raise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.openai_faults import error_doc
from gateway.dialects.openai_responses.faults import error_members, failure
from gateway.dialects.openai_responses.outcome import Ending
from gateway.dialects.openai_responses.tracker import event_of
from gateway.dialects.openai_responses.wire import copied, numbered
from gateway.dialects.openai_responses.write_answer import (
    finish_response,
    new_response,
    refusal_part,
    summary_part,
    text_part,
)
from gateway.errors import Blocked

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.dialects import Dialect
    from gateway.dialects.openai_responses.tracker import Said, Tracker
    from gateway.dialects.openai_responses.wire import Emit
    from gateway.errors import ExchangeError
    from gateway.views import Chunk

Doc = dict[str, Any]

_FILTERED: Final = Ending(
    status="incomplete", incomplete_details={"reason": "content_filter"}
)


def cut(
    dialect: Dialect, tracker: Tracker, error: ExchangeError, now: float
) -> list[Chunk]:
    """
    Return the chunks that end the stream that *tracker* saw.

    Args:
        now: Unix seconds.
    """
    if tracker.is_over:
        return []
    sequence = event_of(tracker.last).get("sequence_number") if tracker.last else None
    first = sequence + 1 if isinstance(sequence, int) else 0
    if isinstance(error, Blocked):
        return numbered(dialect, _filtered(tracker, now), first)
    return numbered(dialect, _failed(tracker, error), first)


def _failed(tracker: Tracker, error: ExchangeError) -> list[Emit]:
    body = error_doc(error)
    events: list[Emit] = [("error", error_members(body))]
    response = _response(tracker)
    if response is not None:
        ending = Ending(status="failed", error=failure(body, error.status))
        finish_response(response, _done_items(tracker), ending, usage=None)
        events.append(("response.failed", {"response": response}))
    return events


def _filtered(tracker: Tracker, now: float) -> list[Emit]:
    events: list[Emit] = []
    response = _response(tracker)
    if response is None:
        asked = tracker.request
        response = new_response(
            asked.doc, raw_id="", model=asked.model, created=now, service_tier=None
        )
        events.append(("response.created", {"response": copied(response)}))
    closed, output = _close_items(tracker)
    finish_response(response, output, _FILTERED, usage=None)
    return [*events, *closed, ("response.incomplete", {"response": response})]


def _response(tracker: Tracker) -> Doc | None:
    response = event_of(tracker.created).get("response") if tracker.created else None
    return response if isinstance(response, dict) else None


def _done_items(tracker: Tracker) -> list[Doc]:
    return [item for _, item in sorted(_done(tracker).items())]


def _done(tracker: Tracker) -> dict[int, Doc]:
    return {at: event_of(frame).get("item") or {} for at, frame in tracker.done.items()}


# --- what is open ---------------------------------------------------------------------------


def _close_items(tracker: Tracker) -> tuple[list[Emit], list[Doc]]:
    """
    Close messages and reasoning; an unfinished call stays open, for it must not look callable.
    """
    events: list[Emit] = []
    output = _done(tracker)
    for at, frame in sorted(tracker.added.items()):
        item = event_of(frame).get("item")
        texts = [said for said in tracker.said if said.at == at]
        if not isinstance(item, dict) or item.get("type") not in (
            "message",
            "reasoning",
        ):
            continue
        if not all(said.is_whole for said in texts):
            continue
        closed = _close(item, texts)
        events += closed
        events.append(
            ("response.output_item.done", {"output_index": at, "item": copied(item)})
        )
        output[at] = item
    return events, [item for _, item in sorted(output.items())]


def _close(item: Doc, texts: list[Said]) -> list[Emit]:
    """
    Close the parts of *item*, and put what was said of them into it.
    """
    events: list[Emit] = []
    item["status"] = "incomplete"
    for said in sorted(texts, key=lambda said: said.number):
        index, holder = _PLACES.get(said.name, ("content_index", "content"))
        place = {
            "item_id": item.get("id"),
            "output_index": said.at,
            index: said.number,
        }
        part = _PARTS[said.name](said)
        _put(item, holder, said.number, part)
        if not said.is_said:
            events.append(_said_again(said, place))
        if not said.is_closed:
            name = "reasoning_summary_part" if holder == "summary" else "content_part"
            events.append((f"response.{name}.done", {**place, "part": copied(part)}))
    return events


def _said_again(said: Said, place: Doc) -> Emit:
    members = {**place, "refusal" if said.name == b"refusal" else "text": said.text}
    if said.name == b"output_text":
        members["logprobs"] = []
    return f"response.{said.name.decode()}.done", members


def _put(item: Doc, holder: str, number: int, part: Doc) -> None:
    parts = item.setdefault(holder, [])
    if not isinstance(parts, list):
        parts = item[holder] = []
    parts[number:] = [part]


def _text_part(said: Said) -> Doc:
    found = [event_of(frame).get("annotation") for frame in said.annotations]
    return text_part(said.text, [one for one in found if isinstance(one, dict)])


_PLACES: Final = {b"reasoning_summary_text": ("summary_index", "summary")}
_PARTS: Final[dict[bytes, Callable[[Said], Doc]]] = {
    b"output_text": _text_part,
    b"refusal": lambda said: refusal_part(said.text),
    b"reasoning_text": lambda said: {"type": "reasoning_text", "text": said.text},
    b"reasoning_summary_text": lambda said: summary_part(said.text),
}
