"""
The last user turn of a request: the words for which similar ones may stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from gateway import Request

__all__ = ["MAX_CHARACTERS", "Turn", "last_turn"]

#: Of longer texts a vector says too little: what differs in a line of them hardly moves it.
MAX_CHARACTERS: Final = 2000
#: Where each dialect has the turns.
_FIELDS: Final[Mapping[str, str]] = {
    "openai_chat": "messages",
    "anthropic_messages": "messages",
    "openai_responses": "input",
    "openai_completions": "prompt",
}
#: Dialects in which the words may stand there without any turn around them.
_BARE: Final = frozenset({"openai_responses", "openai_completions"})
_TEXT_PARTS: Final = frozenset({"text", "input_text"})


@attrs.frozen(kw_only=True)
class Turn:
    """
    A request taken apart.

    Attributes:
        text: The words of the last user turn.
        rest: All else, with holes where those words stood.
    """

    text: str = attrs.field(repr=False)
    rest: Mapping[str, Any] = attrs.field(repr=False)


def last_turn(request: Request) -> Turn | None:
    """
    Take the words of the last user turn out of *request*.

    Returns:
        None where it cannot be told, where it has no words, or more than `MAX_CHARACTERS`.
    """
    dialect = request.dialect.name
    field = _FIELDS.get(dialect)
    if field is None:
        return None
    members = request.members
    found = _taken_out(members.get(field), is_bare=dialect in _BARE)
    if found is None:
        return None
    texts, rest = found
    text = "\n".join(texts).strip()
    if not 0 < len(text) <= MAX_CHARACTERS:
        return None
    return Turn(text=text, rest={**members, field: rest})


def _taken_out(turns: Any, *, is_bare: bool) -> tuple[list[str], Any] | None:
    if isinstance(turns, str):
        return ([turns], None) if is_bare else None
    if not isinstance(turns, list) or not turns or not isinstance(turns[-1], dict):
        return None
    last = turns[-1]
    if last.get("role") != "user" or last.get("type", "message") != "message":
        return None
    content = last.get("content")
    texts, rest = _words_of(content)
    return (texts, [*turns[:-1], {**last, "content": rest}]) if texts else None


def _words_of(content: Any) -> tuple[list[str], Any]:
    """
    Take the words out of *content*; what else is in it stays, with the number of its parts.
    """
    if isinstance(content, str):
        return [content], None
    if not isinstance(content, list):
        return [], content
    texts, rest = [], []
    for part in content:
        if (
            isinstance(part, dict)
            and part.get("type") in _TEXT_PARTS
            and isinstance(part.get("text"), str)
        ):
            texts.append(part["text"])
            rest.append({**part, "text": None})
        else:
            rest.append(part)
    return texts, rest
