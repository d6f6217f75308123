"""
Where the texts are in Anthropic's answers, events and errors.

Source: Anthropic's API reference, messages and streaming messages.  Lanes are (0, index of
the block, place in it, kind), so that what a stream says in pieces and what a whole answer
says at once stand in the same lanes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.anthropic_messages.block_texts import (
    BLOCK,
    CITATION,
    CONTENT,
)
from gateway.dialects.anthropic_messages.rules import (
    CONTAINER,
    ids,
    mapping,
    opaque,
)
from gateway.dialects.lenient import string_at
from gateway.dialects.shapes import (
    Rule,
    Shape,
    Walk,
    by_type,
    each,
    event_name,
    everything,
    identifier,
    node,
    said_by,
    text,
    walk_other,
)
from gateway.views import (
    ARGUMENTS,
    ERROR,
    MESSAGE,
    REASONING,
    REFUSAL,
    SUMMARY,
    UNKNOWN,
    Text,
)

if TYPE_CHECKING:
    from gateway.views import Chunk, Lane, Response

# What the deltas of a stream call their text, its kind, whether a signature covers it,
# and whether it is JSON source.
_DELTAS: Final = {
    "text_delta": ("text", MESSAGE, False, False),
    "input_json_delta": ("partial_json", ARGUMENTS, False, True),
    "thinking_delta": ("thinking", REASONING, True, False),
}

# --- answers ----------------------------------------------------------------------------

_SPENT: Final = "input_tokens output_tokens cache_creation_input_tokens"
_USAGE: Final[dict[str, Rule | None]] = {
    **ids(f"{_SPENT} cache_read_input_tokens type model"),
    **ids("service_tier speed inference_geo"),
    "cache_creation": node(ids("ephemeral_5m_input_tokens ephemeral_1h_input_tokens")),
    "output_tokens_details": node(ids("thinking_tokens")),
    "server_tool_use": mapping(identifier),
    "fallback_credit": node({"status": node(ids("type reason"))}),
}
_USAGE["iterations"] = each(node(_USAGE))

_STOP_DETAILS = said_by(
    "provider",
    node(
        {
            **ids("type category recommended_model fallback_has_prefill_claim"),
            "explanation": text(REFUSAL),
            "fallback_credit_token": opaque,
        }
    ),
)
_TRANSFORMATION = node(ids("type message_index content_index reason id action"))
_CONTEXT = node(
    {
        "original_input_tokens": identifier,
        "applied_edits": each(
            node(
                ids(
                    "type cleared_input_tokens cleared_tool_uses cleared_thinking_turns"
                )
            )
        ),
    }
)

_ANSWER: Final[Shape] = {
    **ids("id type role model stop_reason provider_stop_reason input_tokens"),
    "content": CONTENT,
    "stop_sequence": text(MESSAGE),
    "stop_details": _STOP_DETAILS,
    "usage": node(_USAGE),
    "container": CONTAINER,
    "context_management": _CONTEXT,
    "input_transformations": each(_TRANSFORMATION),
    "diagnostics": node(
        {"cache_miss_reason": node(ids("type cache_missed_input_tokens"))}
    ),
}

_FAULT: Final[Shape] = {
    **ids("type request_id"),
    "error": said_by(
        "provider",
        node(
            {
                "type": identifier,
                "message": text(ERROR),
                "details": node(
                    {"error_code": identifier, "error_visibility": identifier}
                ),
            }
        ),
    ),
}


def response_texts(response: Response) -> list[Text]:
    """
    List the texts of an answer, a count of tokens or an error.
    """
    walk = Walk(response, "assistant")
    walk.lane = (0,)
    doc = response.doc
    if doc.__class__ is not dict:
        walk_other(walk, doc)
    else:
        walk.shape(doc, _FAULT if doc.get("type") == "error" else _ANSWER)
    _name_lanes(walk.out)
    return walk.out


# --- events -----------------------------------------------------------------------------

_DELTA = by_type(
    {
        "text_delta": node({"type": None, "text": text(MESSAGE)}),
        "input_json_delta": node({"type": None, "partial_json": text(ARGUMENTS)}),
        "thinking_delta": node(
            {"type": None, "thinking": text(REASONING), "estimated_tokens": identifier}
        ),
        "signature_delta": node({"type": None, "signature": opaque}),
        "citations_delta": node({"type": None, "citation": CITATION}),
        "compaction_delta": node(
            {"type": None, "content": text(SUMMARY), "encrypted_content": opaque}
        ),
    }
)

_EVENTS: Final[dict[str, Shape]] = {
    "message_start": {"type": None, "message": node(_ANSWER)},
    "content_block_start": {"type": None, "index": identifier, "content_block": BLOCK},
    "content_block_delta": {"type": None, "index": identifier, "delta": _DELTA},
    "content_block_stop": {"type": None, "index": identifier},
    "message_delta": {
        "type": None,
        "delta": node(
            {
                **ids("stop_reason provider_stop_reason"),
                "stop_sequence": text(MESSAGE),
                "stop_details": _STOP_DETAILS,
                "container": CONTAINER,
            }
        ),
        "usage": node(_USAGE),
        "context_management": _CONTEXT,
        "input_transformations": each(_TRANSFORMATION),
    },
    "message_stop": {"type": None},
    "ping": {"type": None},
    "error": _FAULT,
}


def chunk_texts(chunk: Chunk) -> list[Text]:
    """
    List the texts of one event.
    """
    doc = chunk.doc
    if (  # most events there are
        chunk.event == b"content_block_delta"
        and doc.__class__ is dict
        and len(doc) == 3
    ):
        delta = doc.get("delta")
        index = doc.get("index")
        if (
            delta.__class__ is dict
            and len(delta) == 2
            and index.__class__ is int
            and doc.get("type") == "content_block_delta"
        ):
            kind = delta.get("type")
            if kind.__class__ is str and kind in _DELTAS:
                key, kind, sealed, is_json = _DELTAS[kind]
                value = delta.get(key)
                if value.__class__ is str:
                    chunk.is_plain = True
                    if not value:
                        return []
                    lane = (0, index, 0, kind)
                    return [
                        Text(
                            *(chunk, delta, key, kind, "assistant", lane, "delta"),
                            *(sealed, None, is_json),
                        )
                    ]
    return _any_chunk_texts(chunk)


def _any_chunk_texts(chunk: Chunk) -> list[Text]:
    walk = Walk(chunk, "assistant")
    doc = chunk.doc
    if doc.__class__ is not dict:
        walk_other(walk, doc)
        return walk.out
    kind, index = string_at(doc, "type"), doc.get("index")
    shape = _EVENTS.get(kind)
    walk.lane = (0, index) if index.__class__ is int else (0,)
    if shape is None:
        everything(walk, None, None, doc, UNKNOWN)
    else:
        walk.shape(doc, shape)
    if chunk.event not in (None, kind.encode("utf-8", "surrogatepass")):
        event_name(walk, chunk)
    if shape is None or kind == "content_block_delta":
        _run_on(walk.out, (doc, doc.get("delta")))
    elif kind == "content_block_start":
        _run_on(walk.out, (doc.get("content_block"),))
    _name_lanes(walk.out)
    return walk.out


def _run_on(texts: list[Text], boxes: tuple[Any, ...]) -> None:
    """
    Mark what continues in later events: a text's first piece, and whatever is unknown.
    """
    for text_ in texts:
        if not any(text_.box is box for box in boxes):
            continue
        if text_.kind in (MESSAGE, REASONING, SUMMARY, ARGUMENTS):
            text_.form = "delta"
            text_.is_json = text_.kind == ARGUMENTS
            text_.sealed = text_.kind in (REASONING, SUMMARY)
        elif text_.kind == UNKNOWN and text_.key != "type":
            text_.form = "delta"
            text_.lane = (*text_.lane[:2], text_.key)


def _name_lanes(texts: list[Text]) -> None:
    """
    Write the lanes that a walk left, steps into the document, as (choice, item, part, kind).
    """
    for text_ in texts:
        lane = text_.lane
        item = lane[1] if len(lane) > 1 else None
        text_.lane = (0, item, lane[2:] or 0, text_.kind)


def chunk_ends(chunk: Chunk) -> tuple[Lane, ...]:
    """
    Return prefixes of the lanes that *chunk* ends.
    """
    kind = chunk.event
    if kind == b"content_block_delta":
        return ()
    if kind == b"content_block_stop":
        doc = chunk.doc
        index = doc.get("index") if doc.__class__ is dict else None
        return ((0, index) if index.__class__ is int else (),)
    if kind in (b"message_delta", b"message_stop", b"error"):
        return ((),)
    return ()
