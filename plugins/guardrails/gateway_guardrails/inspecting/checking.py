"""
What detectors say is checked before anybody goes by it: none is believed blindly.

They are other people's, and what is found decides what is cut out of a text, refused and told to
the caller.  What cannot be is a failure of the detector, and its guardrail says what follows.
What they return is `Any` here, for what a protocol promises is just what is not believed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from gateway.detecting import DetectorFailed, Find, Opinion
from gateway_guardrails.policy.guardrail import SEVERITY_RANK

if TYPE_CHECKING:
    from gateway.detecting import Place, Question

#: Characters of a type, which callers are told.
MAX_TYPE: Final = 128
_LISTS: Final = (list, tuple, Sequence)
_NUMBERS: Final = (int, float)

#: `gateway.detecting.TextDetector.find` of one of them.
Look = Callable[..., tuple[Any, Any]]


def found_by(
    look: Look, text: str, start: int, *, final: bool, place: Place
) -> tuple[Sequence[Find], int]:
    """
    Let a detector look at *text*, and check what it says.

    Raises:
        DetectorFailed: It says what cannot be, or did not look at all of what is *final*.
    """
    finds, safe = look(text, start, final=final, place=place)
    if finds:
        _check_finds(finds, start, len(text))
    if type(safe) is not int or not 0 <= safe <= len(text):
        raise _garbage("an end of what is decided that is none")
    if final and safe < len(text):
        raise DetectorFailed("partial_coverage", "not all of a text was decided")
    return finds, safe


def check_opinion(opinion: Any, question: Question) -> None:
    """
    Check that *opinion* is on what was asked, and may be gone by.

    Raises:
        DetectorFailed: It is not.
    """
    if not isinstance(opinion, Opinion):
        raise _garbage("no opinion")
    count = len(question.passages)
    for each in (opinion.finds, opinion.masked, opinion.flagged):
        if len(each) not in (0, count):
            raise _garbage("an opinion on other passages")
    for passage, finds in zip(question.passages, opinion.finds, strict=False):
        _check_finds(finds, 0, len(passage.text))
    for passage, finds in zip(question.passages, opinion.flagged, strict=False):
        _check_finds(finds, 0, len(passage.text), may_be_unplaced=True)
    _check_finds(opinion.whole, 0, 0, may_be_unplaced=True)
    if not all(masked is None or isinstance(masked, str) for masked in opinion.masked):
        raise _garbage("a masked text that is none")
    cost: Any = opinion.cost_nano
    if not (isinstance(cost, int) and isinstance(opinion.units, Mapping)):
        raise _garbage("a cost or units that are none")


def _check_finds(
    finds: Any, start: int, end: int, *, may_be_unplaced: bool = False
) -> None:
    """
    Check *finds*, each of which stands between *start* and *end*.

    Args:
        may_be_unplaced: They may have the span (0, 0), which is no place.
    """
    if not isinstance(finds, _LISTS):  # who looks at others once finds nothing then
        raise _garbage("finds that are no list")
    for find in finds:
        if not isinstance(find, Find):
            raise _garbage("a find that is none")
        first, last, kind, severity, score = cast("tuple[Any, ...]", find)
        if not (isinstance(first, int) and isinstance(last, int)):
            raise _garbage("a span that is none")
        is_placed = start <= first < last <= end
        if not (is_placed or (may_be_unplaced and first == last == 0)):
            raise _garbage("a find outside of its text")
        if not (isinstance(kind, str) and 0 < len(kind) <= MAX_TYPE):
            raise _garbage("a type that is no word")
        if not kind.isprintable():
            raise _garbage("a type that cannot be printed")
        if not (isinstance(severity, str) and severity in SEVERITY_RANK):
            raise _garbage("a severity that there is not")
        if not (isinstance(score, _NUMBERS) and 0 <= score <= 1):  # nor is it NaN
            raise _garbage("a score that is not from 0 to 1")


def _garbage(told: str) -> DetectorFailed:
    return DetectorFailed("garbage", told)
