"""
How entries stand in a spool's file.

A frame is length, checksum and sequence number, then the entry's bytes.  A file is frames from
its beginning; what was set aside and not yet written is zeros, and a length of zero is no frame.
The checksum covers the number too, so that a frame out of another place is not taken for one.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

#: A tile's bundle gives an entry's length 16 bits (C2SP tlog-tiles, "Log entries").
MAX_ENTRY_BYTES: Final = 65_535

_HEAD: Final = struct.Struct("<IIQ")
HEAD_BYTES: Final = _HEAD.size
#: Where a head may stand: no length needs its upper half, no number its upper three bytes.
_MAYBE_HEAD: Final = re.compile(rb"(?s)(?=..\x00\x00.{9}\x00{3})")


class Frame(NamedTuple):
    """
    One entry in a file; *end* is the offset behind it.
    """

    seq: int
    entry: bytes
    end: int


def encode(seq: int, entry: bytes) -> bytes:
    """
    Frame *entry*, the one with number *seq*.
    """
    return _HEAD.pack(len(entry), zlib.crc32(entry, seq & 0xFFFFFFFF), seq) + entry


def frames(content: bytes, at: int = 0) -> Iterator[Frame]:
    """
    Yield the frames from offset *at* on, up to the first that is not whole.
    """
    most = len(content) - HEAD_BYTES
    while at <= most:
        length, checksum, seq = _HEAD.unpack_from(content, at)
        begin = at + HEAD_BYTES
        at = begin + length
        if not 0 < length <= MAX_ENTRY_BYTES or at > len(content):
            return
        entry = content[begin:at]
        if zlib.crc32(entry, seq & 0xFFFFFFFF) != checksum:
            return
        yield Frame(seq, entry, at)


def find_frame(content: bytes, at: int, least_seq: int) -> int | None:
    """
    Find the first whole frame from offset *at* on whose number is *least_seq* or above.

    Returns:
        Its offset; None if there is none.
    """
    for found in _MAYBE_HEAD.finditer(content, at):
        begin = found.start()
        frame = next(frames(content, begin), None)
        if frame is not None and frame.seq >= least_seq:
            return begin
    return None
