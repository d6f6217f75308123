"""
The detector: what its scanners found, decided.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from gateway.detecting import Find, Place
from gateway_guardrails.columns import CONTEXT_CHARACTERS, Cell, Table, tables_in
from gateway_guardrails.commonest import commonest_words
from gateway_guardrails.patterns import PatternSet
from gateway_guardrails.pii.allowed import Allowed
from gateway_guardrails.pii.candidate import Candidate, prevailing
from gateway_guardrails.pii.custom import Customs
from gateway_guardrails.pii.dates import MONTHS, Dates
from gateway_guardrails.pii.gate import WordGate
from gateway_guardrails.pii.hearing import Hearing
from gateway_guardrails.pii.lexicon import Lexicon, gate_phrases
from gateway_guardrails.pii.marks import Marks
from gateway_guardrails.pii.numbers import Numbers
from gateway_guardrails.pii.options import Selection
from gateway_guardrails.pii.people import People
from gateway_guardrails.pii.said import BANK_CODE_LETTERS, SECRET_STEMS, Said
from gateway_guardrails.pii.view import View, fold

__all__ = ["PiiDetector"]

#: What may stand left of an undecided value: the head of its table, or a value that overlaps it,
#: and that one's words.
_CONTEXT: Final = CONTEXT_CHARACTERS
#: No number that begins further left reaches over what begins here.
_REACH: Final = 48
#: A token without gaps, backwards, in which something may begin; no value's first token is longer.
_TAIL: Final = re.compile(
    r"[A-Za-z0-9\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff!#$%&'*+/=?^_~.:@(\-]{0,80}"
)
_LONGEST_TOKEN: Final = 80
#: A few capitals and a separator, backwards: digits may follow.
_CAPITALS: Final = re.compile(r"[ .\-][A-Z]{1,6}(?![A-Za-z0-9])")
#: Without one of these no number and no address stands in a text, ...
_TELLING: Final = re.compile(r"[0-9@+]")
#: ... and without one of these nothing else, where there are no letters of farther scripts.
_TELLING_WORDS: Final = PatternSet(
    [rf"(?i:{'|'.join(SECRET_STEMS)})|://|{BANK_CODE_LETTERS}"]
)
_FARTHER: Final = re.compile(r"[^\x00-\xff\u2010-\u206f]")
#: How far left of a value the word may stand that gives it away.
_WORD_REACH: Final = 64
_PIECE: Final = 2048
_AROUND: Final = 128


class PiiDetector:
    """
    Finds personal data by itself: `gateway.detecting.TextDetector`.

    Args:
        selection: What it looks for.
    """

    context: int = _CONTEXT

    def __init__(self, selection: Selection) -> None:
        self._kinds = kinds = selection.kinds
        self._lexicon = Lexicon(kinds)
        self._gate = WordGate(
            gate_phrases(
                (kind, 1 << number if kind.needs_words else 0)
                for number, kind in enumerate(kinds)
            )
        )
        self._numbers = Numbers(kinds)
        self._marks = Marks(kinds)
        self._said = Said(kinds)
        self._dates = Dates(kinds)
        self._people = People(kinds)
        self._customs = Customs(kinds, selection.patterns)
        self._has_customs = bool(selection.patterns)
        names = {kind.name for kind in kinds}
        self._has_more = (
            self._has_customs or self._people.is_asked or "USERNAME" in names
        )
        self._allowed = Allowed(selection)

    def warm_up(self) -> None:
        """
        Look at examples of all kinds, and at ordinary words, so that no text waits for automata.
        """
        place = Place(stage="input")
        examples = [f"{kind.example}\n{kind.counter}" for kind in self._kinds]
        for text in (*examples, f"1 {' '.join(commonest_words())}"):
            self.find(text, 0, final=True, place=place)

    def find(
        self, text: str, start: int, *, final: bool, place: Place
    ) -> tuple[Sequence[Find], int]:
        """
        Find personal data from *start* on; where it stands makes no difference.
        """
        size = len(text)
        safe = size if final else _held(text)
        low = max(0, start - _REACH)
        if not self._has_more and _is_plain(text, low, final=final):
            return (), max(start, safe)
        folded, plain = fold(text)
        out: list[Candidate] = []
        safe = min(safe, self._scan(folded, plain, low, final, out))
        if "\n" in text:
            closed = []
            speaks = self._lexicon.speaks
            for table in tables_in(folded, start, is_final=final, speaks=speaks):
                if table.is_open:
                    safe = min(safe, table.start)
                else:
                    closed.append(table)
            self._read_columns(closed, folded, out)
        return self._decided(text, out, start, max(start, safe))

    def _scan(
        self, folded: str, plain: str, low: int, final: bool, out: list[Candidate]
    ) -> int:
        """
        Gather what may be a finding from *low* on; return before what place all is decided.
        """
        size = safe = len(folded)
        hearing = Hearing(self._lexicon, folded, final=final)
        view = View(folded, plain, low, hearing, final=final)
        if self._has_customs:
            safe = min(safe, self._customs.scan(view, low, out))
        if self._people.is_asked:
            safe = min(safe, self._people.scan(view, out))
        count = len(out)
        safe = min(safe, self._marks.scan(view, out))
        if len(out) > count:
            view.marked.extend(sorted((one.start, one.end) for one in out[count:]))
        for at in range(low, size, _PIECE):
            end = min(size, at + _PIECE)
            spoken = self._gate.kinds(folded[max(0, at - _AROUND) : end + _AROUND])
            safe = min(
                safe,
                self._numbers.scan(view, at, end, spoken, out),
                self._said.scan(view, at, end, spoken, out),
                self._dates.scan(view, at, end, spoken, out),
            )
        return safe

    def _read_columns(
        self, tables: Sequence[Table], text: str, out: list[Candidate]
    ) -> None:
        """
        Read each cell as if the head of its column stood right before it.
        """
        told: list[str] = []
        places: list[tuple[int, Cell]] = []
        size = 0
        for table in tables:
            for at, head in enumerate(table.heads):
                if not table.rows or not self._lexicon.speaks(head):
                    continue
                label = f"{head.strip()}: "
                for row in table.rows:
                    cell = row[at]
                    places.append((size + len(label), cell))
                    told += label, text[cell.start : cell.end], "\n\n"
                    size += len(label) + cell.end - cell.start + 2
        if not told:
            return
        read = "".join(told)
        found: list[Candidate] = []
        self._scan(read, fold(read)[1], 0, True, found)
        starts = [place for place, _ in places]
        for one in found:
            place, cell = places[bisect_right(starts, one.start) - 1]
            if place <= one.start and one.end <= place + cell.end - cell.start:
                out.append(one.moved(cell.start - place))

    def _decided(
        self, text: str, candidates: list[Candidate], start: int, safe: int
    ) -> tuple[Sequence[Find], int]:
        if safe < len(text):
            # What is not decided may prevail over what it overlaps, so that neither is.
            for one in sorted(candidates, key=lambda one: one.end, reverse=True):
                if one.start < safe < one.end:
                    safe = max(start, one.start)
        allowed = self._allowed
        finds = [
            self._find(one)
            for one in prevailing(candidates)
            if start <= one.start
            and one.end <= safe
            and not (
                allowed.is_any
                and allowed.covers(text[one.start : one.end], self._kinds[one.kind])
            )
        ]
        return finds, safe

    def _find(self, one: Candidate) -> Find:
        kind = self._kinds[one.kind]
        score = 0.95 if one.is_told or kind.odds >= 20 else 0.85
        return Find(one.start, one.end, kind.name, kind.severity, score)


def _is_plain(text: str, low: int, *, final: bool) -> bool:
    """
    Tell of a text whether there is nothing in it to find or to wait for, as in most.
    """
    if _TELLING.search(text, low) is not None or not (
        text.isascii() or _FARTHER.search(text) is None
    ):
        return False
    if _TELLING_WORDS.hits(text[max(0, low - _WORD_REACH) :]):
        return False
    if final or text[-1:] not in {" ", ".", ","}:
        return True
    end = text[-_REACH:].lower().rstrip(" .,")
    return end.rpartition(" ")[2] not in MONTHS


def _held(text: str) -> int:
    """
    Return where the last token begins, or as much of it as may be a value's beginning.
    """
    backwards = text[: -_LONGEST_TOKEN - 1 : -1]
    match = _TAIL.match(backwards)
    held = match.end() if match is not None else 0
    if not held:
        capitals = _CAPITALS.match(backwards)
        held = capitals.end() if capitals is not None else 0
    return len(text) - held
