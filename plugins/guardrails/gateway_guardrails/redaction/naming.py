"""
The name of a conversation: the caller's word for it, else its first turn.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway import Exchange, Text

_MAX_NAME = 256


@attrs.frozen
class ConversationName:
    """
    Which conversation an exchange belongs to.

    Attributes:
        digest: A keyed hash over the caller and the conversation: no caller reaches another's.
        is_named: The caller named it, and is known; a stranger could name anybody's.
    """

    digest: bytes
    is_named: bool


def name_of(
    exchange: Exchange,
    texts: Callable[[], Iterable[Text]],
    *,
    header: str,
    key: bytes,
) -> ConversationName:
    """
    Name the conversation of *exchange*, by the *header* or by its first turn.

    Args:
        texts: Returns those of the request, as the caller sent them.
    """
    caller = exchange.identity.key_id if exchange.identity is not None else ""
    told = exchange.headers.get(header, "").strip()[:_MAX_NAME]
    said = told or _first_turn(texts())
    digest = blake2b(key=key, digest_size=16, person=b"conversation")
    for part in (caller, "named" if told else "turn", said):
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    is_named = bool(told) and exchange.identity is not None
    return ConversationName(digest.digest(), is_named)


def _first_turn(texts: Iterable[Text]) -> str:
    for text in texts:
        if text.role == "user" and text.kind == "message":
            return text.value
    return ""
