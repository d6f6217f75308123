"""
The hot path of a conversation: messages of plain words, which most items of most requests are.

What is not taken in at a glance here is left to the rules of `item_shapes`, which give the same
texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.shapes import KNOWN_IDENTIFIERS, is_identifier
from gateway.views import MESSAGE, Text

if TYPE_CHECKING:
    from gateway.views import View

#: Who speaks in a message, by its role in this dialect.
ROLES: Final = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
}

_PARTS: Final = frozenset({"input_text", "output_text"})
_MARKS: Final = frozenset(
    {"completed", "incomplete", "in_progress", "final_answer", "commentary"}
)


def plain_message(view: View, message: dict[str, Any], index: int) -> Text | None:
    """
    Return the one text of *message*; None if there may be more to it, or less.

    Every key is accounted for, by how many there are: a message with one more than was looked
    at is not plain, and what is not where it was looked for raises.
    """
    try:
        role = ROLES[message["role"]]
        content = message["content"]
        count = len(message)
        if count > 2 and message["type"] != "message":
            return None
        if count > 3:  # it was answered, and comes back
            name = message["id"]
            if name not in KNOWN_IDENTIFIERS and not is_identifier(name):
                return None
            if message["status"] not in _MARKS:
                return None
            if count > 5 and (count > 6 or message["phase"] not in _MARKS):
                return None
        if content.__class__ is str:
            if not content:
                return None
            return Text(view, message, "content", MESSAGE, role, (index, 0))
        (part,) = content
        text = part["text"]
        if text.__class__ is not str or not text or part["type"] not in _PARTS:
            return None
        count = len(part)
        if count > 2 and part["annotations"]:
            return None
        if count > 3 and (count > 4 or part["logprobs"]):
            return None
    except (KeyError, TypeError, ValueError):
        return None
    return Text(view, part, "text", MESSAGE, role, (index, 0))
