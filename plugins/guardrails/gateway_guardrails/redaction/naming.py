"""
The name of a conversation: the caller's word for it, else its first turn.

Or the answer that a request goes on from, where the provider keeps what came before.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway import Exchange, Text

_MAX_NAME = 256
#: Numbers of seven digits, which placeholders have at most, with room for the values of a turn.
_FAR = 1_000_000
_SPREAD = 8_900_000


@attrs.frozen
class ConversationName:
    """
    Which conversation an exchange belongs to.

    Attributes:
        digest: A keyed hash over the caller and the conversation: no caller reaches another's.
        is_named: The caller named it, and is known; a stranger could name anybody's.
        begins_after: The number behind which its placeholders begin.  Where the provider keeps
            earlier turns, their placeholders are not seen here; such a turn has numbers far from
            theirs, and from those of other workers, so that none of theirs is taken for one of
            its own and put back as that.
    """

    digest: bytes
    is_named: bool
    begins_after: int = 0


def name_of(
    exchange: Exchange,
    texts: Callable[[], Iterable[Text]],
    *,
    header: str,
    key: bytes,
    worker: bytes,
) -> ConversationName:
    """
    Name the conversation of *exchange*, by the *header* or by its first turn.

    Args:
        texts: Returns those of the request, as the caller sent them.
        worker: What tells this worker from others, which may have the turns before this one.
    """
    caller = exchange.identity.key_id if exchange.identity is not None else ""
    told = exchange.headers.get(header, "").strip()[:_MAX_NAME]
    earlier = _earlier(exchange)
    said = told or earlier or _first_turn(texts())
    way = "named" if told else "answer" if earlier else "turn"
    digest = blake2b(key=key, digest_size=16, person=b"conversation")
    for part in (caller, way, said):
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    name = digest.digest()
    digest.update(worker)
    far = _FAR + int.from_bytes(digest.digest()) % _SPREAD
    return ConversationName(
        name,
        is_named=bool(told) and exchange.identity is not None,
        begins_after=far if earlier else 0,
    )


def _earlier(exchange: Exchange) -> str:
    """
    Return what names the turns that the provider keeps; "" where the request has all of them.
    """
    members = exchange.request.members
    told = members.get("previous_response_id") or members.get("conversation")
    thread = members.get("thread")
    if isinstance(thread, dict):
        told = told or thread.get("previous_message_id")
    if isinstance(told, dict):
        told = told.get("id")
    return told[:_MAX_NAME] if isinstance(told, str) else ""


def _first_turn(texts: Iterable[Text]) -> str:
    for text in texts:
        if text.role == "user" and text.kind == "message":
            return text.value
    return ""
