"""
What is exported: entries in their places, and checkpoints.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import attrs

from gateway import codec
from gateway_audit.tlog.checkpoints import Signed
from gateway_audit.tlog.merkle import leaf_hash

Kind = Literal["entry", "checkpoint"]
_UNREADABLE: Final = "unreadable"


@attrs.frozen(kw_only=True)
class Record:
    """
    One thing that goes out.

    Attributes:
        origin: The log's.
        index: An entry's place; of a checkpoint, how many entries it counts.
        raw: The exact bytes: an entry's, which the leaf's hash is of, or a note's.
        at_ms: When it came to be, in Unix milliseconds.
    """

    kind: Kind
    origin: str
    index: int
    raw: bytes = attrs.field(repr=False)
    at_ms: int

    @classmethod
    def of_entry(cls, origin: str, index: int, raw: bytes) -> Record:
        """
        Make that of an entry.
        """
        at = readable(raw).get("at")
        return cls(
            kind="entry",
            origin=origin,
            index=index,
            raw=raw,
            at_ms=at if type(at) is int else 0,
        )

    @classmethod
    def of_checkpoint(cls, signed: Signed, at_ms: int) -> Record:
        """
        Make that of a checkpoint.
        """
        point = signed.checkpoint
        return cls(
            kind="checkpoint",
            origin=point.origin,
            index=point.size,
            raw=bytes(signed),
            at_ms=at_ms,
        )

    @property
    def id(self) -> str:
        """
        The same each time it is sent, and no other record's.
        """
        mark = "" if self.kind == "entry" else "checkpoint-"
        return f"{self.origin}-{mark}{self.index}"

    @property
    def leaf_hash(self) -> str | None:
        """
        The entry's leaf hash, in hexadecimal.
        """
        return leaf_hash(self.raw).hex() if self.kind == "entry" else None

    @property
    def marks(self) -> dict[str, Any]:
        """
        What ties it to the log.
        """
        if self.kind == "entry":
            return {
                "log_origin": self.origin,
                "index": self.index,
                "leaf_hash": self.leaf_hash,
            }
        point = Signed.parse(self.raw).checkpoint
        return {
            "log_origin": self.origin,
            "tree_size": self.index,
            "root_hash": point.root.hex(),
        }

    def entry(self) -> dict[str, Any]:
        """
        Return what the entry says.
        """
        if self.kind == "entry":
            return readable(self.raw)
        return {"type": "checkpoint", "at": self.at_ms, "id": self.id}


def readable(raw: bytes) -> dict[str, Any]:
    """
    Read an entry; one that cannot be is told as such.
    """
    try:
        entry = codec.loads(raw)
    except codec.JsonError:
        entry = None
    if not isinstance(entry, dict):
        return {"type": _UNREADABLE, "at": 0}
    return entry
