"""
Where the texts are in answers: whole ones and the chunks of streams; what ends, what has a place.

Lanes are (choice, item, part, kind): ``(0, 0, 0, "message")`` is the first choice's content,
``(0, "tools", 1, "tool_arguments")`` the arguments of its second call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from gateway.dialects.openai_chat.logprobs import blank, logprobs
from gateway.dialects.openai_chat.messages import message, place_of
from gateway.dialects.openai_chat.rules import (
    citations,
    each_member,
    each_object,
    error,
    event_texts,
    figures,
    label,
    members,
    padding,
    stray,
    texts_of,
)
from gateway.dialects.shapes import (
    KNOWN_IDENTIFIERS,
    Rule,
    Walk,
    figure,
    free,
)
from gateway.views import (
    MESSAGE,
    NAME,
    UNKNOWN,
    Chunk,
    Lane,
    Response,
    Span,
    Text,
)

ALL_LANES: Final[tuple[Lane, ...]] = ((),)

# --- around the choices ---------------------------------------------------------------------

_MODERATION_WORDS = frozenset(
    "input output type model results categories category_scores flagged "
    "category_applied_input_types error code message harassment harassment/threatening hate "
    "hate/threatening illicit illicit/violent self-harm self-harm/instructions "
    "self-harm/intent sexual sexual/minors violence violence/graphic".split()
)
_VERDICT = members(
    {"filtered": figure, "detected": figure, "severity": label, "id": label}
)
_VERDICTS = members(
    dict.fromkeys(
        "hate self_harm sexual violence jailbreak indirect_attack profanity "
        "protected_material_text protected_material_code".split(),
        _VERDICT,
    )
)


#: What stands beside ``choices`` in an answer, in a chunk, and in those of legacy completions.
ENVELOPE: Final[dict[str, Rule]] = {
    "id": label,
    "object": label,
    "created": figure,
    "model": label,
    "system_fingerprint": label,
    "service_tier": label,
    "obfuscation": padding,
    "usage": figures(),
    "error": error,
    "provider": label,
    "metadata": free(UNKNOWN),
    "moderation": free(UNKNOWN, _MODERATION_WORDS),
    "prompt_filter_results": each_member(
        members({"prompt_index": figure, "content_filter_results": _VERDICTS})
    ),
    "citations": citations,
    "search_results": citations,
    "x_groq": members({"id": label, "usage": figures(), "error": error}),
    "timings": figures(),
}

#: What stands beside ``message`` or ``delta`` in a choice.
CHOICE: Final[dict[str, Rule]] = {
    "index": figure,
    "finish_reason": label,
    "native_finish_reason": label,
    "stop_reason": label,
    "matched_stop": label,
    "seed": figure,
    "content_filter_results": _VERDICTS,
    "content_filter_result": _VERDICTS,
    "token_ids": figures(),
    "error": error,
}


# --- whole answers --------------------------------------------------------------------------


def response_texts(response: Response) -> list[Text]:
    """
    List the texts of a whole answer, or of an error.
    """
    return texts_of(response, "assistant", _RESPONSE)


def _choice(walk: Walk, choice: dict[str, Any], position: int) -> None:
    walk.lane = (place_of(choice, position),)
    walk.beside = blank(choice) if choice.get("logprobs") else None
    for key, value in choice.items():
        if key == "message":
            if value is not None:
                message(walk, choice, key, value)
        elif key == "logprobs":
            if value is not None:
                logprobs(walk, choice, choice.get("message"))
        else:
            _beside_message(walk, choice, key, value)
    walk.beside = None
    walk.lane = ()


def _beside_message(walk: Walk, choice: dict[str, Any], key: str, value: Any) -> None:
    rule = CHOICE.get(key)
    if rule is None:
        stray(walk, choice, key, value)
    elif value is not None:
        rule(walk, choice, key, value)


_RESPONSE: Final = {**ENVELOPE, "choices": each_object(_choice)}

# --- chunks ---------------------------------------------------------------------------------

#: Strings that stand in every chunk of a stream.
_CONSTANT = frozenset(("id", "object", "model", "system_fingerprint", "service_tier"))
_NULLABLE = frozenset((*CHOICE, "logprobs"))
_READ = frozenset(("index", "delta"))
_FIRST_CONTENT: Final[Lane] = (0, 0, 0, MESSAGE)


def chunk_texts(chunk: Chunk) -> list[Text]:
    """
    List the texts of one event.
    """
    doc = chunk.doc
    if doc.__class__ is dict and chunk.event is None:
        piece = _piece(chunk, doc)
        if piece is not None:
            return piece
    return event_texts(chunk, _CHUNK)


def _piece(chunk: Chunk, doc: dict[str, Any]) -> list[Text] | None:
    """
    Read what nearly all events are: a piece of one choice's content, and nothing else.

    None for anything that it does not know by heart, down to the class of every value: the
    closed world is the slow walk's business, and this must not be a hole in it.
    """
    try:
        (choice,) = doc["choices"]
        delta = choice["delta"]
        content = delta["content"]
        index = choice["index"]
    except (KeyError, TypeError, ValueError):
        return None
    if content.__class__ is not str or len(delta) != 1 or index.__class__ is not int:
        return None
    for key, value in choice.items():
        if value is None:
            if key not in _NULLABLE:
                return None
        elif key not in _READ:
            return None
    for key, value in doc.items():
        if value.__class__ is str:
            if value in KNOWN_IDENTIFIERS and key in _CONSTANT:
                continue
            if key != "obfuscation" or not (value.isalnum() and value.isascii()):
                return None
        elif value is None or value.__class__ is int:
            if key not in ENVELOPE:
                return None
        elif key != "choices":
            return None
    chunk.is_plain = True
    if not content:
        return []
    lane = _FIRST_CONTENT if index == 0 else (index, 0, 0, MESSAGE)
    return [Text(chunk, delta, "content", MESSAGE, "assistant", lane, "delta")]


def _chunk_choice(walk: Walk, choice: dict[str, Any], position: int) -> None:
    index = place_of(choice, position)
    for key, value in choice.items():
        if key == "delta":
            walk.beside = blank(choice) if choice.get("logprobs") else None
            _delta(walk, choice, value, index)
            walk.beside = None
        elif key == "message":
            _repeated_message(walk, choice, value, index)
        elif key == "logprobs":
            if value is not None:
                logprobs(walk, choice, choice.get("delta"))
        elif key in CHOICE:
            _beside_message(walk, choice, key, value)
        else:
            # Some vendors stream what they add beside the delta, as others do inside it.
            walk.form, walk.lane = "delta", (index,)
            stray(walk, choice, key, value)
            walk.form, walk.lane = "whole", ()


def _delta(walk: Walk, choice: dict[str, Any], delta: Any, index: int) -> None:
    walk.form = "delta"
    walk.lane = (index,)
    if delta is not None:
        message(walk, choice, "delta", delta)
    walk.form = "whole"
    walk.lane = ()


def _repeated_message(
    walk: Walk, choice: dict[str, Any], value: Any, index: int
) -> None:
    """
    Yield the message so far, which some vendors send beside every delta.
    """
    walk.form = "repeat"
    walk.lane = (index,)
    if value is not None:
        message(walk, choice, "message", value)
    walk.form = "whole"
    walk.lane = ()


_CHUNK: Final = {**ENVELOPE, "choices": each_object(_chunk_choice)}

# --- what ends ------------------------------------------------------------------------------


def chunk_ends(chunk: Chunk) -> Sequence[Lane]:
    """
    Return prefixes of the lanes that an event ends for certain.

    A choice's finish ends all of its texts, and a call's arguments end its name.  Nothing else
    is certain: providers weave reasoning, content and the arguments of parallel calls.
    """
    if chunk.is_done:
        return ALL_LANES
    doc = chunk.doc
    if doc.__class__ is not dict:
        return ()
    if doc.get("error"):
        return ALL_LANES
    choices = doc.get("choices")
    if choices.__class__ is not list:
        return ()
    ends: tuple[Lane, ...] = ()
    for position, choice in enumerate(choices):
        if choice.__class__ is not dict:
            continue
        if choice.get("finish_reason"):
            ends += ((place_of(choice, position),),)
            continue
        delta = choice.get("delta")
        if delta.__class__ is dict and (
            "tool_calls" in delta or "function_call" in delta
        ):
            ends += _ended_names(delta, place_of(choice, position))
    return ends


def _ended_names(delta: dict[str, Any], index: int) -> tuple[Lane, ...]:
    ends: tuple[Lane, ...] = ()
    calls = delta.get("tool_calls")
    for position, call in enumerate(calls if calls.__class__ is list else ()):
        function = call.get("function") if call.__class__ is dict else None
        if function.__class__ is dict and function.get("arguments"):
            ends += ((index, "tools", place_of(call, position), NAME),)
    function = delta.get("function_call")
    if function.__class__ is dict and function.get("arguments"):
        ends += ((index, "function_call", 0, NAME),)
    return ends


# --- what has a place in a text -------------------------------------------------------------


def response_spans(response: Response) -> list[Span]:
    """
    List the places in its content that a whole answer's annotations give.
    """
    return _spans(response.doc, "message")


def chunk_spans(chunk: Chunk) -> list[Span]:
    """
    List the places in the content that an event's annotations give.
    """
    return _spans(chunk.doc, "delta")


def _spans(doc: Any, member: str) -> list[Span]:
    choices = doc.get("choices") if doc.__class__ is dict else None
    if choices.__class__ is not list:
        return []
    out: list[Span] = []
    for position, choice in enumerate(choices):
        said = choice.get(member) if choice.__class__ is dict else None
        found = said.get("annotations") if said.__class__ is dict else None
        if found.__class__ is list:
            lane = (place_of(choice, position), 0, 0, MESSAGE)
            for annotation in found:
                out.extend(_spans_in(annotation, lane))
    return out


def _spans_in(annotation: Any, lane: Lane) -> list[Span]:
    if annotation.__class__ is not dict:
        return []
    boxes = [annotation, *(v for v in annotation.values() if v.__class__ is dict)]
    out = []
    for box in boxes:
        start = "start_index" if box.get("start_index").__class__ is int else None
        end = "end_index" if box.get("end_index").__class__ is int else None
        if start is None and end is None and box.get("index").__class__ is int:
            start = "index"  # a file citation: one place, not a range
        if start or end:
            out.append(Span(lane=lane, box=box, start=start, end=end))
    return out


def finish_reasons(doc: Any) -> list[str]:
    """
    Return why each choice of a whole answer ended; "" where it does not say.
    """
    choices = doc.get("choices") if doc.__class__ is dict else None
    return [
        reason if isinstance(reason := choice.get("finish_reason"), str) else ""
        for choice in (choices if choices.__class__ is list else ())
        if choice.__class__ is dict
    ]
