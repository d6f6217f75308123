"""
Lanes: running texts, each with a ledger of what was edited in it.

Positions in a lane count from its first character, whatever has left since.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from gateway.filters.edits import Edit, shifted, splice
from gateway.filters.json_text import JsonText

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.views import Text

#: Pieces are hashed in batches of this many: most lanes are never said again.
_BATCH: Final = 64
#: Undecided characters from which on a lane is not judged anew at every read.
_LONG: Final = 4096


class RunningText:
    """
    What the deltas of one lane have said so far; *text* is the first of them.

    Attributes:
        end: How many characters there are.
        safe: Before it all is decided.
        edits: The ledger: every edit made, in order.
        stops: Where the lane ended and what stands before was not yet judged as final.
        due: Not judged again before it has this many characters.
        is_open: Whether more may come before it is final.
        json: Reads it as JSON as long as it is; None if it is none, or is judged token by token.
        is_alone: No other lane of its choice is open; true of JSON, which ends no other.
        was_inferred: It was ended only because another lane went on.
    """

    __slots__ = (
        "_hash",
        "_live",
        "_offset",
        "_pieces",
        "_text",
        "_unhashed",
        "choice",
        "due",
        "edits",
        "end",
        "is_alone",
        "is_json",
        "is_open",
        "is_sealed",
        "json",
        "key",
        "kind",
        "safe",
        "stops",
        "was_inferred",
    )

    def __init__(self, text: Text) -> None:
        self.key = text.lane
        self.choice = text.lane[:1]
        self.kind = text.kind
        self.is_json = text.is_json
        self.json = None if text.is_json else JsonText()
        self.is_sealed = text.sealed
        self.is_open = True
        self.is_alone = text.is_json
        self.was_inferred = False
        self.end = 0
        self.safe = 0
        self.due = 0
        self.edits: list[Edit] = []
        self.stops: list[int] = []
        self._text = ""
        self._offset = 0
        self._live = 0
        self._pieces: list[str] = []
        self._unhashed: list[str] = []
        self._hash: hashlib.blake2b | None = None

    def take(self, piece: str) -> None:
        """
        Add *piece*.
        """
        self.end += len(piece)
        self._pieces.append(piece)

    def take_alone(self, piece: str) -> None:
        """
        Add *piece*, the only one before the next `window`.
        """
        self.end += len(piece)
        self._grow(piece)

    def finish(self) -> None:
        """
        Take note that what was said so far is complete.
        """
        self.is_open = False
        if self.end > self.safe and self.stops[-1:] != [self.end]:
            self.stops.append(self.end)

    def window(self, stop: int) -> tuple[str, int]:
        """
        Return the text up to *stop*, context included, and where in it the undecided begins.
        """
        if self._pieces:
            self._join()
        text = self._text
        if stop != self.end:
            text = text[: stop - self._offset]
        return text, self.safe - self._offset

    @property
    def offset(self) -> int:
        """
        Where in the lane the text that `window` returns begins.
        """
        return self._offset

    def fitted(
        self, text: str, start: int, edits: Sequence[Edit], safe: int, *, is_end: bool
    ) -> tuple[Sequence[Edit], int]:
        """
        Return *edits* and *safe*, of what `window` returned, so that JSON stays JSON.
        """
        json = self.json
        if json is None:
            return edits, safe
        edits, safe = json.fitted(text, start, edits, safe, is_end=is_end)
        if json.is_over:
            self.json = None
        return edits, safe

    def settle(self, edits: Sequence[Edit], safe: int, context: int) -> None:
        """
        Take over what was found in `window`: its edits, and *safe*, before which all is decided.
        """
        offset = self._offset
        if edits:
            for edit in edits:
                at, end = offset + edit.start, offset + edit.end
                self.edits.append(Edit(at, end, edit.new, edit.is_number))
        self.safe = offset + safe
        drop = safe - context
        if drop > 0:
            self._text = self._text[drop:]
            self._offset = offset + drop
        # A filter that waits for the end of something long would otherwise look at all of it
        # again for each further token.
        waiting = self.end - self.safe
        self.due = self.end + waiting // 8 if waiting > _LONG else 0

    def rewritten(self, value: str, start: int) -> str:
        """
        Return *value*, the piece that begins at *start*, with its part of the ledger made.

        Pieces must be asked for in their order.
        """
        edits = self.edits
        end = start + len(value)
        first = last = self._live
        while last < len(edits) and edits[last].start < end:
            last += 1
        if first == last:
            return value
        # The last of them may reach into the next piece.
        self._live = last - 1 if edits[last - 1].end > end else last
        return splice(value, edits[first:last], start)

    def is_clear(self) -> bool:
        """
        Tell whether all is decided and no edit waits to be made.
        """
        return self.safe == self.end and self._live == len(self.edits)

    def has_edits_left(self) -> bool:
        """
        Tell whether an edit may concern a piece that was not asked for.
        """
        return self._live < len(self.edits)

    @property
    def is_number(self) -> bool:
        """
        Whether all of it is replaced by what stood for a number.
        """
        if len(self.edits) != 1:
            return False
        (edit,) = self.edits
        return edit.is_number and (edit.start, edit.end) == (0, self.end)

    def repeated(self, value: str) -> str:
        """
        Return *value*, which says the lane's text again, with the whole ledger made.
        """
        end = len(value)
        return splice(value, [edit for edit in self.edits if edit.start < end])

    def shifted(self, position: int, *, is_end: bool) -> int:
        """
        Return where *position* lies in what the caller is sent.
        """
        return shifted(position, self.edits, is_end=is_end)

    def says(self, value: str) -> bool:
        """
        Tell whether *value* is what the deltas said.
        """
        if len(value) != self.end:
            return False
        if self._pieces:
            self._join()
        return self._checksum() == _hash_of([value]).digest()

    def _join(self) -> None:
        pieces = self._pieces
        self._grow(pieces[0] if len(pieces) == 1 else "".join(pieces))
        pieces.clear()

    def _grow(self, piece: str) -> None:
        self._text += piece
        unhashed = self._unhashed
        unhashed.append(piece)
        if len(unhashed) >= _BATCH:
            self._checksum()

    def _checksum(self) -> bytes:
        if self._hash is None:
            self._hash = _hash_of(self._unhashed)
        else:
            self._hash.update(_encoded(self._unhashed))
        self._unhashed.clear()
        return self._hash.digest()


def _hash_of(pieces: Sequence[str]) -> hashlib.blake2b:
    return hashlib.blake2b(_encoded(pieces), digest_size=16)


def _encoded(pieces: Sequence[str]) -> bytes:
    return "".join(pieces).encode("utf-8", "surrogatepass")
