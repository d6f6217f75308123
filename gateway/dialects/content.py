"""
Content of messages: a string, or a list of parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.dialects.fields import Fields
from gateway.errors import InvalidRequest
from gateway.neutral import Block, TextBlock

if TYPE_CHECKING:
    from collections.abc import Callable


def read_content(
    content: Any,
    place: str,
    read_part: Callable[[Fields], Block],
    *,
    takes_strings: bool = False,
) -> list[Block]:
    """
    Read *content*, each object in it with *read_part*.

    Args:
        place: Where it stands in the request, for errors.
        takes_strings: Whether a part may be a bare string.

    Raises:
        InvalidRequest: if it is neither a string nor a list, or a part is malformed.
    """
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [TextBlock(text=content)]
    if not isinstance(content, list):
        raise InvalidRequest(f"{place}: must be a string or a list of parts")
    return [
        TextBlock(text=part)
        if takes_strings and isinstance(part, str)
        else read_part(Fields(part, f"{place}[{index}]"))
        for index, part in enumerate(content)
    ]


def shortest(parts: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """
    Return *parts* as the string that says the same, where they are one text and nothing else.
    """
    if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
        text: str = parts[0]["text"]
        return text
    return parts
