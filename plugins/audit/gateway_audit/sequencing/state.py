"""
What the sequencer knows for certain: how far the log is, and how far each spool is in it.

The file is replaced in one go, after the entries that it counts are durable.  So it is the one
moment in which entries come into the log: what stands in files behind it was never there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from gateway import codec
from gateway_audit.tlog.errors import Malformed
from gateway_audit.tlog.merkle import EMPTY_ROOT, HASH_BYTES

STATE_FILE: Final = "state.json"
_VERSION: Final = 1


@attrs.frozen(kw_only=True)
class State:
    """
    Where the log stands.

    Attributes:
        origin: Which log it is.
        cursors: The next number of each worker whose spool is there.
        own_seq: The next number of the sequencer's own entries.
    """

    origin: str
    size: int = 0
    root: bytes = EMPTY_ROOT
    cursors: Mapping[str, int] = attrs.field(factory=dict)
    own_seq: int = 0

    @classmethod
    def parse(cls, content: bytes) -> State:
        """
        Read the file.

        Raises:
            Malformed: It is none.
        """
        try:
            told = codec.loads(content)
            if told["v"] != _VERSION:
                raise Malformed(f"{STATE_FILE} is of another version")
            return cls(
                origin=_typed(told["origin"], str),
                size=read_count(told["size"]),
                root=_root(told["root"]),
                cursors=_cursors(told["cursors"]),
                own_seq=read_count(told["own_seq"]),
            )
        except (codec.JsonError, KeyError, TypeError, AttributeError, ValueError):
            raise Malformed(f"{STATE_FILE} cannot be read") from None

    def __bytes__(self) -> bytes:
        told = {
            "v": _VERSION,
            "origin": self.origin,
            "size": self.size,
            "root": self.root.hex(),
            "cursors": dict(self.cursors),
            "own_seq": self.own_seq,
        }
        return codec.dumps(told) + b"\n"


def read_count(value: Any) -> int:
    """
    Return *value*, which a file of ours gives as a count.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is negative.
    """
    number: int = _typed(value, int)
    if number < 0:
        raise ValueError("a count is not negative")
    return number


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(kind.__name__)
    return value


def _root(text: str) -> bytes:
    root = bytes.fromhex(text)
    if len(root) != HASH_BYTES:
        raise ValueError("a root has 32 bytes")
    return root


def _cursors(told: Any) -> dict[str, int]:
    return {_typed(worker, str): read_count(seq) for worker, seq in told.items()}
