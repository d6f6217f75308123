"""
The bytes of an entry: one JSON object, its keys in order, at most so long; what was cut is said.

Whoever builds an entry puts its keys in order; nothing is sorted here, for that costs as much as
writing it.  The tests hold every builder to it.
"""

from __future__ import annotations

from typing import Any, Final

from gateway import codec

#: What is cut of an entry that is too long, the least important first: a list, and how much of
#: its beginning stays.  A key that is no list is left out whole.
_CUTS: Final = (
    ("trail", 64),
    ("findings", 64),
    ("attempts", 16),
    ("changed", 64),
    ("rows", 64),
    ("trail", 16),
    ("findings", 8),
    ("attempts", 4),
    ("changed", 8),
    ("rows", 8),
    ("params", 0),
    ("fields", 0),
    ("details", 0),
    ("trail", 0),
    ("findings", 0),
    ("changed", 0),
    ("attempts", 1),
)


def encode(entry: dict[str, Any], max_bytes: int) -> bytes:
    """
    Return the bytes of *entry*; what is longer than *max_bytes* loses what matters least.

    What was cut is named in ``truncated``: ``trail[64:]`` is the list from there on.

    Raises:
        ValueError: What is left is too long all the same.
    """
    raw = codec.dumps(entry)
    if len(raw) <= max_bytes:
        return raw
    kept: dict[str, Any] = {**entry, "truncated": []}
    cut: dict[str, str] = {}
    for key, length in _CUTS:
        value = kept.get(key)
        if not value:
            continue
        if isinstance(value, list):
            if len(value) <= length:
                continue
            kept[key] = value[:length]
            cut[key] = f"{key}[{length}:]"
        else:
            kept[key] = {}
            cut[key] = key
        kept["truncated"] = sorted(cut.values())
        raw = codec.dumps(dict(sorted(kept.items())))
        if len(raw) <= max_bytes:
            return raw
    msg = f"an entry of {len(raw)} bytes cannot be cut to {max_bytes}"
    raise ValueError(msg)
