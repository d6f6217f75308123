"""
The dialect's name, and ids in the spelling that the vendor checks.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING, Any, Final

from gateway import codec
from gateway.views import Chunk

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.dialects import Dialect

NAME: Final = "openai_responses"

#: Asks, among ``include``, for the likelihoods of tokens.
LOGPROBS: Final = "message.output_text.logprobs"

#: How many letters a tool's name may have.
LONGEST_NAME: Final = 64

#: Begins the id of every response that was made by translation, and is stored nowhere.
MADE_HERE: Final = "resp_gw_"

#: What the vendor wants an item's id to begin with.
ID_PREFIXES: Final = {
    "message": "msg_",
    "reasoning": "rs_",
    "function_call": "fc_",
    "custom_tool_call": "ctc_",
}

_ID: Final = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_LONGEST_CALL_ID: Final = 64


def response_id(raw: str) -> str:
    """
    Return the id of a response that answers with what a provider called *raw*.

    A response of the vendor's own keeps its id.
    """
    if raw.startswith("resp_") and _ID.fullmatch(raw):
        return raw
    return MADE_HERE + (raw if _ID.fullmatch(raw) else secrets.token_hex(16))


class ItemIds:
    """
    Ids of the items of one response, unlike those of any other.
    """

    __slots__ = ("_stem",)

    def __init__(self) -> None:
        # A caller sends items of several responses in one request, and the vendor refuses
        # an id that stands there twice.
        self._stem = secrets.token_hex(16)

    def of(self, kind: str, index: int) -> str:
        """
        Return the id of the item at *index*, of type *kind*.
        """
        return f"{ID_PREFIXES[kind]}{self._stem}{index:04x}"


def call_id(raw: str) -> str:
    """
    Return the id of a call in a length that the vendor accepts, the same for the same *raw*.
    """
    if 0 < len(raw) <= _LONGEST_CALL_ID:
        return raw
    digest = hashlib.blake2b(raw.encode("utf-8", "surrogatepass"), digest_size=16)
    return f"call_{digest.hexdigest()}"


def copied(node: Any) -> Any:
    """
    Copy JSON, so that no two documents share a node.
    """
    return codec.loads(codec.dumps(node))


#: An event: its type, and its members but for the type and the sequence number.
Emit = tuple[str, dict[str, Any]]


def numbered(dialect: Dialect, emits: Iterable[Emit], first: int) -> list[Chunk]:
    """
    Make chunks of *emits*, whose sequence numbers begin at *first*.
    """
    return [
        Chunk(
            dialect,
            doc={"type": name, "sequence_number": number, **members},
            event=name.encode(),
        )
        for number, (name, members) in enumerate(emits, first)
    ]
