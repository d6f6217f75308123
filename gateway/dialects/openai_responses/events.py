"""
Where the texts are in the events of a stream.

Source: the OpenAI API reference, "Streaming events".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gateway.dialects.openai_responses.hosted_shapes import SHELL_OUTPUTS
from gateway.dialects.openai_responses.item_shapes import item
from gateway.dialects.openai_responses.part_shapes import ANNOTATION_RULE, PART
from gateway.dialects.openai_responses.spoken import (
    ANSWER,
    SpokenWalk,
    logprobs,
    spoken,
    token,
    tokens,
)
from gateway.dialects.openai_responses.texts import (
    ERROR_SHAPE,
    RESPONSE,
    walk_document,
)
from gateway.dialects.shapes import (
    Rule,
    Shape,
    event_name,
    everything,
    media,
    node,
    text,
)
from gateway.views import (
    ARGUMENTS,
    ERROR,
    MESSAGE,
    REASONING,
    REFUSAL,
    SUMMARY,
    TOOL_RESULT,
    TRANSCRIPT,
    UNKNOWN,
    Form,
    Text,
)

if TYPE_CHECKING:
    from gateway.views import Chunk, Lane


class Run(NamedTuple):
    """
    A text that is streamed as deltas and said again when it is done.

    Attributes:
        kind: What the text is.
        part: The key of its part's index, or None where the item has only one such text.
        key: The key of the whole text in the event that ends it.
        is_json: Whether it is JSON source.
    """

    kind: str
    part: str | None
    key: str
    is_json: bool = False


_RUNS: Final = {
    "output_text": Run(MESSAGE, "content_index", "text"),
    "refusal": Run(REFUSAL, "content_index", "refusal"),
    "reasoning_text": Run(REASONING, "content_index", "text"),
    "reasoning_summary_text": Run(SUMMARY, "summary_index", "text"),
    "function_call_arguments": Run(ARGUMENTS, None, "arguments", is_json=True),
    "mcp_call_arguments": Run(ARGUMENTS, None, "arguments", is_json=True),
    "custom_tool_call_input": Run(ARGUMENTS, None, "input"),
    "code_interpreter_call_code": Run(ARGUMENTS, None, "code"),
    "shell_call_command": Run(ARGUMENTS, "command_index", "command"),
    "audio.transcript": Run(TRANSCRIPT, None, "transcript"),
}
#: By event type: the running text that the event carries a piece of, or ends.
DELTAS: Final = {f"response.{name}.delta": run for name, run in _RUNS.items()}
DONES: Final = {f"response.{name}.done": run for name, run in _RUNS.items()}

#: Events that end the stream, with the whole response or with an error.
TERMINAL: Final = frozenset(
    {"response.completed", "response.incomplete", "response.failed", "error"}
)


def lane_of(doc: dict[str, Any], run: Run) -> Lane:
    """
    Return the lane of *run* in the event *doc*.
    """
    part = position(doc, run.part) if run.part else 0
    return (0, position(doc, "output_index"), part, run.kind)


def position(doc: dict[str, Any], key: str) -> int:
    """
    Return the index at *key*; 0 for anything that is none.
    """
    value = doc.get(key)
    return value if value.__class__ is int else 0


def type_of(chunk: Chunk) -> str:
    """
    Return the type of an event; "" where it has none.
    """
    doc = chunk.doc
    kind = doc.get("type") if doc.__class__ is dict else None
    return kind if kind.__class__ is str else ""


def chunk_texts(chunk: Chunk) -> list[Text]:
    """
    List the texts of *chunk*.
    """
    kind = type_of(chunk)
    doc = chunk.doc
    run = DELTAS.get(kind)
    is_named_so = chunk.event is None or chunk.event == _NAMES.get(kind)
    # The hot path: about 1 µs.
    if run is not None and is_named_so and _is_plain(doc, run.part):
        chunk.is_plain = True
        delta = doc["delta"]
        if not delta:
            return []
        lane = (0, doc["output_index"], doc[run.part] if run.part else 0, run.kind)
        return [
            Text(
                chunk,
                doc,
                "delta",
                run.kind,
                "assistant",
                lane,
                "delta",
                False,
                None,
                run.is_json,
            )
        ]
    role, said, shape = _EVENTS.get(kind, _UNHEARD_OF)
    walk = SpokenWalk(chunk, role, said=said, is_answer=True)
    walk_document(walk, doc, shape)
    if not is_named_so:
        event_name(walk, chunk)
    return walk.out


_PLAIN_KEYS: Final = frozenset(
    "type sequence_number item_id output_index content_index summary_index command_index"
    " delta logprobs obfuscation".split()
)
_ID: Final = re.compile(r"[\w.:=-]*", re.ASCII)
_ID_LENGTH: Final = 512


def _is_plain(doc: dict[str, Any], index: str | None) -> bool:
    """
    Tell whether a delta event holds one text and nothing that could be another one.
    """
    try:
        ids = doc["item_id"] + doc.get("obfuscation", "")
        return (
            _PLAIN_KEYS.issuperset(doc)
            and doc["delta"].__class__ is str
            and doc["sequence_number"].__class__ is int
            and doc["output_index"].__class__ is int
            and (index is None or doc[index].__class__ is int)
            and not doc.get("logprobs")
            and len(ids) <= _ID_LENGTH
            and (
                (ids.isascii() and ids.isidentifier()) or _ID.fullmatch(ids) is not None
            )
        )
    except (KeyError, TypeError):
        return False


# --- everything but the hot path ------------------------------------------------------------


def _run(run: Run) -> Rule:
    def rule(walk: Any, box: Any, key: Any, value: Any) -> None:
        if value.__class__ is not str:
            everything(walk, box, key, value, run.kind)
        elif value:
            walk.say(box, key, run.kind, lane_of(box, run), is_json=run.is_json)

    return rule


def _at(rule: Rule, *indexes: str) -> Rule:
    """
    Make a rule that applies *rule* in the lane that the event's *indexes* name.
    """

    def placed(walk: Any, box: Any, key: Any, value: Any) -> None:
        walk.lane = (*ANSWER, *(position(box, index) for index in indexes))
        rule(walk, box, key, value)
        walk.lane = ()

    return placed


def _new_run(walk: Any, box: Any, key: Any, value: Any) -> None:
    """
    Yield what an event says that nobody has heard of, as pieces that run on in its like.

    A vendor streams what it invents as it streams all else.
    """
    first = len(walk.out)
    everything(walk, box, key, value, UNKNOWN)
    place = position(box, "output_index"), position(box, "content_index")
    for said in walk.out[first:]:
        if said.box is box or said.box is value:  # and not deeper, nor a name
            said.form = "delta"
            said.lane = (0, *place, type_of(walk.view), said.key)


_EVENT: Shape = {
    **tokens(
        "sequence_number item_id output_index content_index summary_index"
        " annotation_index command_index status obfuscation"
    ),
    "type": None,
    "logprobs": logprobs,
}
_LIFECYCLE: Shape = {**_EVENT, "response": node(RESPONSE)}
_ITEM: Shape = {**_EVENT, "item": _at(item, "output_index")}
_PART: Shape = {**_EVENT, "part": _at(PART, "output_index", "content_index")}
_SUMMARY: Shape = {**_EVENT, "part": _at(PART, "output_index", "summary_index")}
_PRINTED: Final = node(
    {
        "stdout": spoken(TOOL_RESULT, name="stdout"),
        "stderr": spoken(TOOL_RESULT, name="stderr"),
    }
)
_IMAGE: Shape = {
    **_EVENT,
    **tokens("partial_image_index background output_format quality size"),
    "partial_image_b64": media,
}

# By type: who speaks, whether it was said before, and where the texts are.
_Known = tuple[str | None, Form, Shape]
_EVENTS: Final[dict[str, _Known]] = {
    **{
        name: ("assistant", "delta", {**_EVENT, "delta": _run(run)})
        for name, run in DELTAS.items()
    },
    **{
        name: (
            "assistant",
            "repeat",
            {**_EVENT, "name": token, run.key: _run(run)},
        )
        for name, run in DONES.items()
    },
    **{
        f"response.{name}": (None, "whole", _LIFECYCLE)
        for name in ("created", "queued", "in_progress")
    },
    **{
        f"response.{name}": (None, "repeat", _LIFECYCLE)
        for name in ("completed", "incomplete", "failed", "cancelled")
    },
    "response.output_item.added": ("assistant", "delta", _ITEM),
    "response.output_item.done": ("assistant", "repeat", _ITEM),
    "response.content_part.added": ("assistant", "delta", _PART),
    "response.content_part.done": ("assistant", "repeat", _PART),
    "response.reasoning_summary_part.added": ("assistant", "delta", _SUMMARY),
    "response.reasoning_summary_part.done": ("assistant", "repeat", _SUMMARY),
    "response.output_text.annotation.added": (
        "assistant",
        "whole",
        {**_EVENT, "annotation": ANNOTATION_RULE},
    ),
    "response.shell_call_command.added": (
        "assistant",
        "delta",
        {**_EVENT, "command": _run(DELTAS["response.shell_call_command.delta"])},
    ),
    "response.shell_call_output_content.delta": (
        "tool",
        "delta",
        {**_EVENT, "delta": _at(_PRINTED, "output_index", "command_index")},
    ),
    "response.shell_call_output_content.done": (
        "tool",
        "repeat",
        {**_EVENT, "output": _at(SHELL_OUTPUTS, "output_index")},
    ),
    "response.image_generation_call.partial_image": (None, "whole", _IMAGE),
    "response.audio.delta": (None, "whole", {**_EVENT, "delta": media}),
    "error": (
        "provider",
        "whole",
        {
            **_EVENT,
            **tokens("code param"),
            "message": text(ERROR),
            "error": node(ERROR_SHAPE),
        },
    ),
    # These say nothing but that something goes on.
    **{
        f"response.{name}": (None, "whole", _EVENT)
        for name in (
            "audio.done code_interpreter_call.completed code_interpreter_call.in_progress"
            " code_interpreter_call.interpreting compaction.compacting"
            " file_search_call.completed file_search_call.in_progress"
            " file_search_call.searching image_generation_call.completed"
            " image_generation_call.generating image_generation_call.in_progress"
            " mcp_call.completed mcp_call.failed mcp_call.in_progress"
            " mcp_list_tools.completed mcp_list_tools.failed mcp_list_tools.in_progress"
            " web_search_call.completed web_search_call.in_progress"
            " web_search_call.searching"
        ).split()
    },
}
_NAMES: Final = {kind: kind.encode() for kind in _EVENTS}
_UNHEARD_OF: Final[_Known] = (None, "whole", {"delta": _new_run})
