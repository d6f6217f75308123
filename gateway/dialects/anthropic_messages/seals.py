"""
Reasoning that another vendor sealed, taken out of a request that is passed through.

Source: Anthropic's API reference, thinking: a signature that is not the vendor's own is refused, a
message without content as well, and so is manual thinking where the turn that called a tool does
not begin with its thinking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.dialects.anthropic_messages.write_thinking import is_thoughtless_loop
from gateway.outcomes import Seal

if TYPE_CHECKING:
    from gateway.views import Request

_PLACES = {"thinking": "signature", "redacted_thinking": "data"}


def drop_foreign_seals(request: Request) -> int:
    """
    Take the thinking out of *request* that another vendor sealed.

    Messages that said nothing else go with it.  Manual thinking is switched off where it could
    not go on without what was taken out.

    Returns:
        How many blocks were taken out.
    """
    given = request.peek("messages")
    if not isinstance(given, list) or not any(map(_foreign_count, given)):
        return 0
    messages = request.doc["messages"]
    dropped = sum(map(_foreign_count, messages))
    messages[:] = [kept for message in messages if (kept := _without(message))]
    thinking = request.peek("thinking")
    is_manual = isinstance(thinking, dict) and thinking.get("type") == "enabled"
    if is_manual and is_thoughtless_loop(messages):
        del request.doc["thinking"]
        request.edits += ("thinking",)
    request.touch()
    return dropped


def _without(message: Any) -> Any:
    """
    Return *message* without foreign thinking; None if nothing is left of it.
    """
    if _foreign_count(message) == 0:
        return message
    kept = [block for block in message["content"] if not _is_foreign(block)]
    return {**message, "content": kept} if kept else None


def _foreign_count(message: Any) -> int:
    content = message.get("content") if isinstance(message, dict) else None
    return sum(map(_is_foreign, content)) if isinstance(content, list) else 0


def _is_foreign(block: Any) -> bool:
    if not isinstance(block, dict):
        return False
    place = _PLACES.get(str(block.get("type")))
    return place is not None and Seal.is_wrapped(block.get(place))
