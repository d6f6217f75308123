"""
Which key signs which part of a log: a list that the operator's root key signs.

A note of its own, beside the checkpoint::

    gatewright-audit-keys/v1
    <origin>
    <first size> <end size or -> <verifier key>
    …

    — <root key's name> <signature>

A key is valid for the checkpoints of trees from its first size to before its end.  So a key that
was replaced, and later stolen, signs nothing that is believed past its end.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

import attrs

from gateway_audit.tlog.errors import Malformed, Unproven
from gateway_audit.tlog.notes import Note, SigningKey, VerifierKey
from gateway_audit.tlog.words import read_number

HEADER: Final = "gatewright-audit-keys/v1"


@attrs.frozen(kw_only=True)
class RangedKey:
    """
    A key, and the tree sizes that it may sign.
    """

    key: VerifierKey
    first: int = 0
    end: int | None = None

    def covers(self, size: int) -> bool:
        """
        Tell whether a checkpoint of *size* may be signed with it.
        """
        return self.first <= size and (self.end is None or size < self.end)

    def __str__(self) -> str:
        end = "-" if self.end is None else self.end
        return f"{self.first} {end} {self.key}"


@attrs.frozen(kw_only=True)
class KeyList:
    """
    The keys of one log, each with its range; ranges follow each other without gap.
    """

    origin: str
    keys: tuple[RangedKey, ...]

    @classmethod
    def only(cls, origin: str, keys: Iterable[VerifierKey]) -> KeyList:
        """
        Make the list of somebody who was given *keys* and no ranges.
        """
        return cls(origin=origin, keys=tuple(RangedKey(key=key) for key in keys))

    @classmethod
    def verified(cls, content: bytes, *, origin: str, root: VerifierKey) -> KeyList:
        """
        Read a list for log *origin* that *root* signed.

        Raises:
            Malformed: It is none.
            Unproven: It is another log's, or *root* did not sign it.
        """
        note = Note.parse(content)
        if not note.signers([root]):
            raise Unproven("the root key did not sign the list of keys")
        found = cls._parse(note.text)
        if found.origin != origin:
            raise Unproven(f"the keys are those of {found.origin!r}, not of {origin!r}")
        return found

    @classmethod
    def _parse(cls, text: str) -> KeyList:
        *lines, rest = text.split("\n")
        if rest or len(lines) < 3 or lines[0] != HEADER:
            raise Malformed(f"a list of keys begins with {HEADER}")
        keys = tuple(_ranged(line) for line in lines[2:])
        for before, after in pairwise(keys):
            if before.end != after.first:
                raise Malformed("the ranges of keys do not follow each other")
        if keys[0].first or keys[-1].end is not None:
            raise Malformed("the ranges of keys do not cover every size")
        return cls(origin=lines[1], keys=keys)

    @property
    def text(self) -> str:
        """
        The text of its note.
        """
        lines = (HEADER, self.origin, *self.keys)
        return "".join([f"{line}\n" for line in lines])

    def signed(self, root: SigningKey) -> bytes:
        """
        Return the note.
        """
        return bytes(Note(self.text).signed(root.sign(self.text)))

    def valid_for(self, size: int) -> list[VerifierKey]:
        """
        Return the keys that may sign a tree of *size*.
        """
        return [ranged.key for ranged in self.keys if ranged.covers(size)]

    def cut_at(self, first: int) -> KeyList:
        """
        Return the list without the keys whose ranges begin at *first*, which is not 0, or later.
        """
        return attrs.evolve(
            self, keys=tuple(each for each in self.keys if each.first < first)
        )

    def followed_by(self, key: VerifierKey, first: int) -> KeyList:
        """
        Return the list in which *key* signs from size *first* on.

        Raises:
            ValueError: The last key's range begins later.
        """
        *rest, last = self.keys
        if first <= last.first:
            raise ValueError(f"the last key signs from {last.first} on")
        ended = attrs.evolve(last, end=first)
        new = RangedKey(key=key, first=first)
        return attrs.evolve(self, keys=(*rest, ended, new))


def _ranged(line: str) -> RangedKey:
    parts = line.split(" ")
    if len(parts) != 3:
        raise Malformed("a key's line has two sizes and the key")
    first, end, key = parts
    ranged = RangedKey(
        key=VerifierKey.parse(key),
        first=read_number(first, "a key's first size"),
        end=None if end == "-" else read_number(end, "a key's end"),
    )
    if ranged.end is not None and ranged.end <= ranged.first:
        raise Malformed("a key's range is empty")
    return ranged
