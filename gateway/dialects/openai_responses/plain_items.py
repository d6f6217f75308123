"""
The hot path of a conversation: messages of plain words, which most items of most requests are.

What is not taken in at a glance here is left to the rules of `item_shapes`, which give the same
texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

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
_ID_LENGTH: Final = 512


def plain_message(view: View, message: dict[str, Any], index: int) -> Text | None:
    """
    Return the one text of *message*; None if there may be more to it.

    Every key is accounted for: a message with one more than was looked at is not plain.
    """
    try:
        role = ROLES[message["role"]]
        content = message["content"]
        keys = 2
        if "type" in message:
            if message["type"] != "message":
                return None
            keys = 3
        if len(message) != keys and len(message) != keys + _marks(message):
            return None
        if content.__class__ is str:
            return Text(view, message, "content", MESSAGE, role, (index, 0))
        if len(content) != 1:
            return None
        part = content[0]
        if part["type"] not in _PARTS or part["text"].__class__ is not str:
            return None
        if len(part) != 2 and len(part) != 2 + _empties(part):
            return None
    except (KeyError, TypeError, AttributeError):
        return None
    return Text(view, part, "text", MESSAGE, role, (index, 0))


def _marks(message: dict[str, Any]) -> int:
    """
    Count what comes with a message that was answered: its id, its status, its phase.
    """
    count = 0
    if "id" in message:
        name = message["id"]
        count += name.isidentifier() and name.isascii() and len(name) <= _ID_LENGTH
    if "status" in message:
        count += message["status"] in _MARKS
    if "phase" in message:
        count += message["phase"] in _MARKS
    return count


def _empties(part: dict[str, Any]) -> int:
    return (part.get("annotations") == []) + (part.get("logprobs") == [])
