"""
Reasoning that another dialect's provider sealed, taken out of a request that is passed through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.lenient import objects
from gateway.outcomes import Seal

if TYPE_CHECKING:
    from gateway.views import Request

#: Where the words stand; the first that has any is read, the others say the same.
WORD_KEYS: Final = ("reasoning_content", "reasoning", "reasoning_text")


def drop_foreign_seals(request: Request) -> int:
    """
    Take the reasoning out of *request* that another dialect's provider sealed.

    The words that stand beside it go with it, unless they are also of other reasoning.

    Returns:
        How many of the ``thinking_blocks`` were taken out.
    """
    if not any(map(_has_foreign, objects(request.peek("messages")))):
        return 0
    dropped = 0
    for message in filter(_has_foreign, objects(request.doc["messages"])):
        blocks = message["thinking_blocks"]
        kept = [block for block in blocks if not _is_foreign(block)]
        dropped += len(blocks) - len(kept)
        if kept:
            message["thinking_blocks"] = kept
            continue
        for key in ("thinking_blocks", *WORD_KEYS):
            message.pop(key, None)
    request.touch()
    return dropped


def _has_foreign(message: dict[str, Any]) -> bool:
    return any(map(_is_foreign, objects(message.get("thinking_blocks"))))


def _is_foreign(block: Any) -> bool:
    return isinstance(block, dict) and Seal.is_wrapped(seal_data(block))


def seal_data(raw: dict[str, Any]) -> Any:
    """
    Return what one of the ``thinking_blocks`` is sealed with, or hides.
    """
    return raw.get("data") if is_redacted(raw) else raw.get("signature")


def is_redacted(raw: dict[str, Any]) -> bool:
    """
    Tell whether one of the ``thinking_blocks`` shows nothing.
    """
    return raw.get("type") == "redacted_thinking"
