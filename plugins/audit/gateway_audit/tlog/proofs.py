"""
Proof that an entry is in the log, in one file (C2SP tlog-proof).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from gateway_audit.tlog.checkpoints import Signed
from gateway_audit.tlog.errors import Malformed
from gateway_audit.tlog.merkle import HASH_BYTES, check_inclusion, leaf_hash
from gateway_audit.tlog.words import read_base64, read_number, read_text, write_base64

HEADER: Final = "c2sp.org/tlog-proof@v1"
#: Levels that a tree can have.
MAX_HASHES: Final = 63


@attrs.frozen(kw_only=True)
class Proof:
    """
    A checkpoint, and the way up to its root.

    Attributes:
        index: Which entry.
        hashes: From the leaf's sibling upwards.
        extra: Bytes that are part of the file, and of nothing that is signed.
    """

    index: int
    hashes: tuple[bytes, ...]
    signed: Signed
    extra: bytes | None = None

    @classmethod
    def parse(cls, content: bytes) -> Proof:
        """
        Read a ``.tlog-proof`` file.

        Raises:
            Malformed: It is none.
        """
        above, gap, _ = content.partition(b"\n\n")
        lines = read_text(above, "a proof").split("\n")
        if not gap or lines.pop(0) != HEADER:
            raise Malformed(f"a proof begins with {HEADER}")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = read_base64(lines.pop(0).removeprefix("extra "), "extra data")
        if not lines or not lines[0].startswith("index "):
            raise Malformed("a proof says which index it is for")
        index = read_number(lines.pop(0).removeprefix("index "), "an index")
        return cls(
            index=index,
            hashes=read_hashes(lines),
            signed=Signed.parse(content[len(above) + len(gap) :]),
            extra=extra,
        )

    def __bytes__(self) -> bytes:
        lines = [HEADER]
        if self.extra is not None:
            lines.append(f"extra {write_base64(self.extra)}")
        lines.append(f"index {self.index}")
        lines.extend(map(write_base64, self.hashes))
        return "".join([f"{line}\n" for line in (*lines, "")]).encode() + bytes(
            self.signed
        )

    def check(self, entry: bytes) -> None:
        """
        Check that it is *entry* that the proof is for; the checkpoint's signature is not looked at.

        Raises:
            Unproven: It is not.
        """
        checkpoint = self.signed.checkpoint
        check_inclusion(
            leaf_hash(entry), self.index, checkpoint.size, self.hashes, checkpoint.root
        )


def read_hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    """
    Read hashes, one a line.

    Raises:
        Malformed: One is none, or there are more than any tree needs.
    """
    if len(lines) > MAX_HASHES:
        raise Malformed(f"a proof has more than {MAX_HASHES} hashes")
    hashes = tuple(read_base64(line, "a hash") for line in lines)
    if any(len(each) != HASH_BYTES for each in hashes):
        raise Malformed("a hash has 32 bytes")
    return hashes
