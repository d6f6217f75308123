"""
One chunk, or one whole document, whose texts are being decided.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from gateway.errors import Blocked
from gateway.views import SealedError, is_whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.filters.lanes import RunningText
    from gateway.views import Lane, Span, Text, View

OnSealed = Literal["refuse", "skip"]
#: What a waiting chunk counts at least, in characters: it is an object however little it says.
LEAST_WEIGHT: Final = 8


class Held:
    """
    Where the texts of *view* stand in their lanes.

    Attributes:
        segments: Text, its lane, its first position there and the one after its last.
        repeats: Text, and the lane that it says again, as far as that went.
        spans: Offsets that the view carries, and the lane that they count in.
        weight: What it counts while it waits.
    """

    __slots__ = ("repeats", "segments", "spans", "view", "weight")

    def __init__(self, view: View | None) -> None:
        self.view = view
        self.segments: list[tuple[Text, RunningText, int, int]] = []
        self.repeats: Sequence[tuple[Text, RunningText]] = ()
        self.spans: Sequence[tuple[Span, RunningText]] = ()
        self.weight = 0

    def bind(self, spans: Sequence[Span], lanes: Mapping[Lane, RunningText]) -> None:
        """
        Take those of the *spans* that count in one of the *lanes*.
        """
        # If this very document says a text in full, its offsets count in that.
        said = {text.lane: lane for text, lane in self.repeats}
        self.spans = [
            (span, lane)
            for span in spans
            if (lane := said.get(span.lane) or lanes.get(span.lane)) is not None
        ]

    def is_decided(self) -> bool:
        """
        Tell whether nothing in it may still be edited, if all before it is decided.
        """
        for _, lane, _, end in self.segments:
            if end > lane.safe:
                return False
        # A repeat says nothing that was not said before it; a span may count in text to come.
        for span, lane in self.spans:
            if lane.is_open:
                for _, position, _ in _positions(span):
                    if position > lane.safe:
                        return False
        return True

    def edit(self, on_sealed: OnSealed) -> None:
        """
        Make its edits, all of which are decided.

        Raises:
            Blocked: if a signature covers a text, and *on_sealed* says so.
        """
        for text, lane, start, _ in self.segments:
            if lane.has_edits_left():
                value, is_number = text.value, lane.is_number
                new = lane.rewritten(value, start)
                _replace(text, value, new, on_sealed, is_number=is_number)
        for text, lane in self.repeats:
            if lane.edits:
                value = text.value
                _replace(text, value, lane.repeated(value), on_sealed)
        for span, lane in self.spans:
            if lane.edits and _shift(span, lane) and self.view is not None:
                self.view.touch()


class HeldPiece:
    """
    One chunk that is a piece of one text and nothing else, as nearly all are.

    Args:
        text: The piece, which *lane* took last.

    Attributes:
        weight: What it counts while it waits.
    """

    __slots__ = ("_end", "_lane", "_text", "weight")

    def __init__(self, text: Text, lane: RunningText) -> None:
        self._text = text
        self._lane = lane
        self._end = lane.end
        self.weight = LEAST_WEIGHT + len(text.box[text.key])

    def is_decided(self) -> bool:
        """
        Tell whether nothing in it may still be edited.
        """
        return self._end <= self._lane.safe

    def edit(self, on_sealed: OnSealed) -> None:
        """
        Make its edits, as `Held.edit` does.
        """
        lane = self._lane
        if lane.has_edits_left():
            value = self._text.value
            new = lane.rewritten(value, self._end - len(value))
            _replace(self._text, value, new, on_sealed)


def sealed(kind: str) -> Blocked:
    """
    Make the refusal of an edit in text that a signature covers.
    """
    msg = f"A guardrail had to change signed {kind}, which cannot be changed."
    return Blocked(msg, code="guardrail_unenforceable", details={"kind": kind})


def _replace(
    text: Text, old: str, new: str, on_sealed: OnSealed, *, is_number: bool = False
) -> None:
    if new == old:
        return
    try:
        if is_number and text.json_type and is_whole_number(new):
            text.replace_by_number(new)
        else:
            text.replace(new)
    except SealedError:
        if on_sealed == "refuse":
            raise sealed(text.kind) from None


def _shift(span: Span, lane: RunningText) -> bool:
    """
    Move the offsets of *span* to where they lie in what is sent; tell whether they moved.
    """
    has_moved = False
    for key, position, is_end in _positions(span):
        new = lane.shifted(position, is_end=is_end)
        if new != position:
            span.box[key] = new
            has_moved = True
    return has_moved


def _positions(span: Span) -> list[tuple[str, int, bool]]:
    """
    List the offsets of *span*: key, value, and whether it is the end.
    """
    out = []
    for key, is_end in ((span.start, False), (span.end, True)):
        if key is not None:
            value = span.box.get(key)
            if value.__class__ is int:
                out.append((key, value, is_end))
    return out
