"""
Finds some names and addresses of people: those that words or their form give away.

Most names need a model of language, which is no local detector's business; nothing here is looked
for unless it was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from gateway_guardrails.pii.candidate import Candidate
from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.view import View

__all__ = ["People"]

_REACH: Final = 64
_CAPITAL: Final = r"[A-Z\u00c0-\u00de][a-z\u00df-\u00ff'\u2019\-][\w'\u2019\-]{0,23}"
_NAME: Final = re.compile(
    r"['\"*_]{0,2}(?:[ ]on file)?[ ]?(?:[:=|,]|[ ](?:is|ist|est|es|è|é)\b|\.)?[ \n]?['\"*_]{0,2}"
    rf"({_CAPITAL}(?:[ ](?:(?:van|von|de|der|den|da|di|la|le|del|bin|al)[ ]){{0,2}}"
    rf"(?:[A-Z]\.|{_CAPITAL})){{0,3}})"
)
_NAME_GROWS: Final = re.compile(r"[ ](?:[a-z]{0,3}[ ]?){0,2}[A-Z]?\.?")
_NAME_WORD: Final = re.compile(
    r"\b(?:(?i:(?:my|his|her|their|full|first|last|patient|customer|client|account|contact|legal)"
    r"[ _]?name)|[Nn]ame|NAME|[Ss]urname|[Ss]igned,?|[Ss]incerely,?|[Rr]egards,?|[Ii]ch heiße|"
    r"[Jj]e m'appelle|[Mm]e llamo|[Mm]i chiamo|[Pp]atient|[Cc]ustomer|[Aa]ttn|Mr|Mrs|Ms|Dr|Miss)\b"
)
_UNIT: Final = (
    r"(?:,?[ ](?:Apt|Suite|Ste|Unit|Floor|Room|Flat|#)\.?[ ]?[0-9A-Za-z]{1,6})?"
)
_WORD: Final = r"[A-Z\u00c0-\u00de][\w.'\-]*"
_CITY: Final = (
    rf",?[ ]{_WORD}(?:[ ]{_WORD}){{0,3}},?[ ][A-Z]{{2}},?[ ][0-9]{{5}}(?:-[0-9]{{4}})?"
)
_SUFFIX: Final = (
    r"(?:St|Street|Ave|Avenue|Rd|Road|Blvd|Boulevard|Dr|Drive|Ln|Lane|Ct|Court|Pl|Place|Sq|Square|"
    r"Ter|Terrace|Way|Pkwy|Parkway|Cir|Circle|Hwy|Highway|Close|Crescent|Loop|Trail|Row)\b\.?"
)
_STREET: Final = re.compile(
    rf"(?<![\w.,\-/])[0-9]{{1,6}}[A-Za-z]?(?:[ ]{_WORD}){{0,4}}?[ ]"
    rf"(?:{_SUFFIX}{_UNIT}(?:{_CITY})?|{_WORD}{_UNIT}{_CITY})"
)
_STREET_OPEN: Final = re.compile(
    r"(?<![\w.,\-/])[0-9]{1,6}[A-Za-z]?(?:(?:,?[ ][A-Z0-9#\u00c0-\u00de][\w.'\-]*){0,12},?[ ]?)?\Z"
)
_STREET_REACH: Final = 140


class People:
    """
    Finds names behind words for them, and addresses of streets.
    """

    def __init__(self, kinds: Sequence[Kind]) -> None:
        numbers = {kind.name: number for number, kind in enumerate(kinds)}
        self._person = numbers.get("PERSON")
        self._street = numbers.get("STREET_ADDRESS")
        self.is_asked = self._person is not None or self._street is not None

    def scan(self, view: View, out: list[Candidate]) -> int:
        """
        Add what is found to *out*; return where what is not decided begins.
        """
        text = view.text
        undecided = len(text)
        if self._person is not None:
            for word in _NAME_WORD.finditer(text, max(0, view.start - _REACH)):
                name = _NAME.match(text, word.end())
                if name is None or name.start(1) == word.end():
                    continue
                start, end = name.span(1)
                if not view.final and (
                    end == len(text) or _NAME_GROWS.fullmatch(text, end)
                ):
                    undecided = min(undecided, start)
                else:
                    out.append(Candidate(start, end, self._person, is_told=True))
        if self._street is not None:
            street = self._street
            out += [
                Candidate(*match.span(), street)
                for match in _STREET.finditer(text, view.start)
            ]
            if not view.final:
                begun = _STREET_OPEN.search(text, max(0, len(text) - _STREET_REACH))
                if begun is not None:
                    undecided = min(undecided, begun.start())
        return undecided
