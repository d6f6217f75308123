"""
Finds dates of birth whose month is a word; those in digits have a shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from gateway_guardrails.pii.candidate import Candidate
from gateway_guardrails.pii.hearing import RIGHT
from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.view import View

__all__ = ["MONTHS", "Dates"]

MONTHS: Final = frozenset(
    "january february march april may june july august september october november december jan "
    "feb mar apr jun jul aug sep sept oct nov dec januar februar märz maerz mai juni juli oktober "
    "dezember janvier février fevrier mars avril juin juillet août aout septembre octobre novembre "
    "décembre decembre enero febrero marzo abril mayo junio julio agosto septiembre octubre "
    "noviembre diciembre gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre "
    "janeiro fevereiro março marco maio junho julho setembro outubro novembro dezembro januari "
    "februari maart mei augustus stycznia lutego marca kwietnia maja czerwca lipca sierpnia "
    "września października listopada grudnia января февраля марта апреля мая июня июля августа "
    "сентября октября ноября декабря".split()
)
_BEGINNINGS: Final = frozenset(
    month[:size] for month in MONTHS for size in range(len(month) + 1)
)
#: What a year looks like behind a month; in most dates of digits something else is before it.
_YEARS: Final = (" 9999", "-9999")
_CENTURIES: Final = ("19", "20")
_REACH: Final = 30
_DAY: Final = r"[0-9]{1,2}(?:st|nd|rd|th|\.|er|º|°)?"
_WORD: Final = r"([^\W\d_]{3,11})\.?"
_BEFORE: Final = re.compile(
    rf"(?<![\w.])(?:{_DAY}(?: of| de)?[ \-]{_WORD}(?: del?)?,?[ \-]|{_WORD}[ ]{_DAY},?[ ])\Z"
)
_BEGUN: Final = re.compile(
    rf"(?<![\w.])(?:{_DAY}(?: (?:of?|de?))?[ \-]?([^\W\d_]{{0,11}})\.?(?: d?e?l?)?,?[ \-]?"
    rf"|([^\W\d_]{{3,11}})\.?[ ]?(?:{_DAY})?(?:st?|nd?|rd?|th?)?,?[ ]?)(?:[12][0-9]{{0,3}})?\Z"
)


class Dates:
    """
    Finds dates of birth such as 14 March 1987, beside a word of birth.
    """

    def __init__(self, kinds: Sequence[Kind]) -> None:
        names = [kind.name for kind in kinds]
        self._kind = names.index("DATE_OF_BIRTH") if "DATE_OF_BIRTH" in names else None

    def scan(
        self, view: View, low: int, high: int, spoken: int, out: list[Candidate]
    ) -> int:
        """
        Add what begins from *low* to *high* to *out*; return where what is not decided begins.

        Args:
            spoken: The kinds whose words are near.
        """
        text = view.text
        size = len(text)
        undecided = size
        kind = self._kind
        if kind is None:
            return undecided
        # A word to the right of what is so late may not have been said yet.
        late = size if view.final else size - RIGHT - _REACH
        first = low if spoken >> kind & 1 else max(low, late)
        if first >= high:
            return undecided
        for year in _years(view, first, min(size, high + _REACH)):
            end = year + 4
            before = _BEFORE.search(text, max(0, year - _REACH), year)
            if before is None or (before[1] or before[2]).lower() not in MONTHS:
                continue
            start = before.start()
            if end == size and not view.final:
                undecided = min(undecided, start)
                continue
            heard = view.hearing.hear(start, end, 1 << kind)
            if heard.is_open:
                undecided = min(undecided, start)
            elif heard.mask:
                out.append(Candidate(start, end, kind, is_told=True, odds=2))
        if not view.final and high == size:
            undecided = min(undecided, _begun(text))
        return undecided


def _years(view: View, low: int, high: int) -> Iterator[int]:
    """
    Yield where years stand from *low* to *high*, behind what stands behind months.
    """
    skeleton = view.skeleton
    for form in _YEARS:
        at = skeleton.find(form, max(0, low - 1), high)
        while at >= 0:
            year = at + 1
            end = year + 4
            if (
                view.text.startswith(_CENTURIES, year)
                and not skeleton[end : end + 1].isalnum()
            ):
                yield year
            at = skeleton.find(form, end, high)


def _begun(text: str) -> int:
    """
    Return where a date may have begun that is not complete.
    """
    match = _BEGUN.search(text, max(0, len(text) - _REACH))
    if match is None:
        return len(text)
    first, second = match[1], match[2]
    word = (second if first is None else first).lower()
    is_month = word in (MONTHS if first is None else _BEGINNINGS)
    return match.start() if is_month else len(text)
