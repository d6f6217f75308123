"""
Where the texts are in items: messages, calls, results and reasoning.

Items stand in ``input``, in ``output`` and in events; one table serves all three.

Source: the OpenAI API reference, "Create a model response", ``input`` and ``output``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.openai_responses import hosted_shapes
from gateway.dialects.openai_responses.hosted_shapes import CALL, ITEM
from gateway.dialects.openai_responses.part_shapes import CONTENT, PART, RESULT_PART
from gateway.dialects.openai_responses.plain_items import ROLES, plain_message
from gateway.dialects.openai_responses.spoken import arguments, blob, spoken, tokens
from gateway.dialects.shapes import Rule, Shape, each, either, everything, node, text
from gateway.outcomes import Seal
from gateway.views import ARGUMENTS, TOOL_RESULT, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

NAME: Final = "openai_responses"


def items(walk: Any, box: Any, key: Any, value: Any) -> None:
    """
    Walk a list of items.
    """
    if value.__class__ is not list:
        everything(walk, box, key, value, UNKNOWN)
        return
    view = None if walk.is_answer else walk.view
    lane = walk.lane
    append = walk.out.append
    for index, member in enumerate(value):
        if view is not None and member.__class__ is dict and "role" in member:
            found = plain_message(view, member, index)
            if found is not None:
                append(found)
                continue
        walk.lane = (*lane, index)
        item(walk, value, index, member)
    walk.lane = lane


def item(walk: Any, box: Any, key: Any, value: Any) -> None:
    """
    Walk one item.
    """
    found = ITEMS.get(kind_of(value))
    if found is None:
        everything(walk, box, key, value, UNKNOWN)
        return
    role, rule = found
    before, walk.role = walk.role, role
    rule(walk, box, key, value)
    walk.role = before


def kind_of(value: Any) -> str:
    """
    Return the type of an item: without one it is a message if it has a role, else a reference.
    """
    if value.__class__ is not dict:
        return ""
    kind = value.get("type")
    if kind is None:
        return "message" if "role" in value else "item_reference"
    return kind if kind.__class__ is str else ""


_MESSAGE: Shape = {**tokens("id status phase role"), "type": None, "content": CONTENT}
_SAID_MESSAGE: Shape = {**_MESSAGE, "role": None}


def _message(walk: Any, box: Any, key: Any, value: Any) -> None:
    role = value.get("role")
    known = ROLES.get(role) if role.__class__ is str else None
    if known is None:
        walk.shape(value, _MESSAGE)
    else:
        walk.role = known
        walk.shape(value, _SAID_MESSAGE)


def _under_seal(rule: Rule, *, by_provider: bool) -> Rule:
    """
    Make a rule for reasoning that a seal may cover.

    Toward a provider the text is sealed.  In an answer it may be edited, for its deltas leave
    before anybody knows of a seal; then the seal goes, as it no longer covers what stands there.

    Args:
        by_provider: Whether the dialect's own encrypted content covers it; what another
            provider signed is always covered.
    """

    def covered(walk: Any, box: Any, key: Any, value: Any) -> None:
        data = box.get("encrypted_content")
        if data.__class__ is not str or not (by_provider or _is_foreign(data)):
            rule(walk, box, key, value)
            return
        before = walk.sealed, walk.beside
        if walk.is_answer:
            walk.beside = _breaks_seal(box)
        else:
            walk.sealed = True
        rule(walk, box, key, value)
        walk.sealed, walk.beside = before

    return covered


def _is_foreign(data: str) -> bool:
    return Seal.read(NAME, data).dialect != NAME


def _breaks_seal(box: dict[str, Any]) -> Callable[[], None]:
    def break_seal() -> None:
        box["encrypted_content"] = None

    return break_seal


_PARTS: Final = each(PART)
_REASONING: Shape = {
    **ITEM,
    "summary": _under_seal(_PARTS, by_provider=False),
    "content": _under_seal(_PARTS, by_provider=True),
    "encrypted_content": blob,
}
_OUTPUT: Final = either(text(TOOL_RESULT), each(RESULT_PART))

#: By type: who speaks in the item, and its rule.
ITEMS: Final[dict[str, tuple[str, Rule]]] = {
    "message": ("user", _message),
    "reasoning": ("assistant", node(_REASONING)),
    "function_call": ("assistant", node({**CALL, "arguments": arguments})),
    "custom_tool_call": (
        "assistant",
        node({**CALL, "input": spoken(ARGUMENTS, part=(0,))}),
    ),
    "function_call_output": ("tool", node({**CALL, "output": _OUTPUT})),
    "custom_tool_call_output": ("tool", node({**CALL, "output": _OUTPUT})),
    **{kind: ("assistant", node(shape)) for kind, shape in hosted_shapes.CALLS.items()},
    **{kind: ("tool", node(shape)) for kind, shape in hosted_shapes.RESULTS.items()},
    **{kind: ("system", node(shape)) for kind, shape in hosted_shapes.SETTINGS.items()},
}
