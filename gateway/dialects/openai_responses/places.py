"""
Which lanes an event ends, and which offsets into lanes it carries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.lenient import object_at, string_at
from gateway.dialects.openai_responses.events import (
    DONES,
    TERMINAL,
    lane_of,
    position,
    type_of,
)
from gateway.views import MESSAGE, REASONING, REFUSAL, SUMMARY, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gateway.views import Chunk, Lane, Response

_EVERYTHING: Final[Sequence[Lane]] = ((),)
_PART_KINDS: Final = {
    "output_text": MESSAGE,
    "refusal": REFUSAL,
    "reasoning_text": REASONING,
}


def chunk_ends(chunk: Chunk) -> Sequence[Lane]:
    """
    Return prefixes of the lanes that *chunk* ends.
    """
    kind = type_of(chunk)
    if not kind or kind.endswith(".delta"):
        return ()
    doc = chunk.doc
    run = DONES.get(kind)
    if run is not None:
        return (lane_of(doc, run),)
    if kind in TERMINAL:
        return _EVERYTHING
    item = (0, position(doc, "output_index"))
    if kind == "response.output_item.done":
        return (item,)
    if kind == "response.reasoning_summary_part.done":
        return ((*item, position(doc, "summary_index"), SUMMARY),)
    if kind == "response.shell_call_output_content.done":
        return ((*item, position(doc, "command_index")),)
    if kind == "response.content_part.done":
        part = _PART_KINDS.get(string_at(object_at(doc, "part"), "type"), MESSAGE)
        return ((*item, position(doc, "content_index"), part),)
    return ()


def chunk_spans(chunk: Chunk) -> list[Span]:
    """
    List the offsets into lanes that *chunk* carries.
    """
    kind = type_of(chunk)
    if not kind or kind.endswith(".delta"):
        return []
    doc = chunk.doc
    at = position(doc, "output_index")
    if kind == "response.output_text.annotation.added":
        return list(_spans([doc.get("annotation")], at, position(doc, "content_index")))
    if kind in {"response.content_part.done", "response.content_part.added"}:
        return list(_part(doc.get("part"), at, position(doc, "content_index")))
    if kind in {"response.output_item.done", "response.output_item.added"}:
        return list(_item(doc.get("item"), at))
    if "response" in doc:
        return list(_output(doc["response"]))
    return []


def response_spans(response: Response) -> list[Span]:
    """
    List the offsets into its texts that *response* carries.
    """
    return list(_output(response.doc))


def _output(doc: Any) -> Iterator[Span]:
    items = doc.get("output") if doc.__class__ is dict else None
    for index, item in enumerate(_list(items)):
        yield from _item(item, index)


def _item(item: Any, index: int) -> Iterator[Span]:
    content = item.get("content") if item.__class__ is dict else None
    for number, part in enumerate(_list(content)):
        yield from _part(part, index, number)


def _part(part: Any, index: int, number: int) -> Iterator[Span]:
    if part.__class__ is dict:
        yield from _spans(_list(part.get("annotations")), index, number)


def _spans(annotations: Iterable[Any], index: int, number: int) -> Iterator[Span]:
    lane = (0, index, number, MESSAGE)
    for box in annotations:
        if box.__class__ is not dict:
            continue
        if "start_index" in box or "end_index" in box:
            yield Span(
                lane=lane,
                box=box,
                start="start_index" if _is_place(box, "start_index") else None,
                end="end_index" if _is_place(box, "end_index") else None,
            )
        elif _is_place(box, "index"):
            yield Span(lane=lane, box=box, start="index", end=None)


def _is_place(box: dict[str, Any], key: str) -> bool:
    return box.get(key).__class__ is int


def _list(value: Any) -> list[Any]:
    return value if value.__class__ is list else []
