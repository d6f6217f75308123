"""
The text as a reader sees it: what is invisible taken out, what only looks like a letter made one.

Everything here works on a copy.  Joiners are needed by Persian, Indic scripts and emoji, and
accents by those who write them; nothing of it is taken from what goes on to a model.

Sources: Unicode UAX #15 (normalisation), UTS #39 (confusables), UTS #51 (tag sequences).
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Final

from gateway_guardrails.characters import beyond_ascii

__all__ = ["Normalised", "normalise"]

#: Letters of other scripts that are drawn as Latin ones (UTS #39), those that people use for it.
_LOOKALIKES: Final = str.maketrans(
    "АВСЕНІЈКМОРЅТХУЗасеіјорѕухһԁԛԝӏвкмнтгΑΒΕΖΗΙΚΜΝΟΡΤΥΧαεικνορτυχγωϲϳՕՏօոսցհ",
    "ABCEHIJKMOPSTXY3aceijopsyxhdqwlbkmhtrABEZHIKMNOPTYXaeikvoptuxywcjOSonugh",
)
_LATIN_WITHOUT_PARTS: Final = str.maketrans("łŁøØđĐıħŋœæɩɡɑ", "lLoOdDihnoaiga")
_PUNCTUATION: Final = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4\u02bc\uff07", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\uff02", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63", "-"),
}
_MIXED: Final = re.compile(r"[A-Za-z][Ͱ-ϿЀ-ԯ԰-֏]|[Ͱ-ϿЀ-ԯ԰-֏][A-Za-z]")
#: So many different characters are replaced one by one.
_FEW: Final = 32
_WORD: Final = re.compile(r"[^\W_]+")
_TAGS: Final = re.compile("[\U000e0001-\U000e007e]{2,}")
_SELECTORS: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")


class Normalised:
    """
    A text as a reader sees it, and where each part of it stood.

    Attributes:
        original: The text as it was.
        text: Its copy: compatibility forms, accents on Latin letters, look-alikes and what is
            invisible are folded.  The same object as *original* if nothing had to be done.
        hidden: What invisible characters spell: the text, its start and its end in *original*.
        invisible: How many characters of *original* nobody sees.
    """

    def __init__(
        self,
        original: str,
        text: str,
        hidden: Sequence[tuple[str, int, int]] = (),
        invisible: int = 0,
        *,
        is_same_length: bool = True,
    ) -> None:
        self.original = original
        self.text = text
        self.hidden = hidden
        self.invisible = invisible
        self._is_same_length = is_same_length
        self._ends: list[int] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """
        Return where ``text[start:end]`` stood in the original.

        What is invisible between two letters is part of the span, so that redaction leaves
        nothing of it.
        """
        if self._is_same_length or end <= start:
            return start, end
        if self._ends is None:
            self._ends = list(accumulate(len(_FOLD[ord(one)]) for one in self.original))
        # ends[i] is how much of the copy the first i+1 characters make
        first = bisect_left(self._ends, start + 1)
        last = bisect_left(self._ends, end)
        return first, last + 1


def normalise(text: str) -> Normalised:
    """
    Fold *text*; linear in its length, and next to nothing for ASCII.
    """
    if text.isascii():
        return Normalised(text, text)
    others = beyond_ascii(text)
    folds = {one: _FOLD[ord(one)] for one in others}
    folded = _replaced(text, {one: new for one, new in folds.items() if new != one})
    if any("\u0370" <= one <= "\u058f" for one in others) and _MIXED.search(folded):
        folded = _WORD.sub(_latinised, folded)
    hidden = _hidden(text) if not _FOLD.vanishing.isdisjoint(others) else ()
    same = len(folded) == len(text) and _FOLD.changing.isdisjoint(others)
    if same and folded == text:
        return Normalised(text, text, hidden)
    invisible = 0 if same else sum(map(text.count, _FOLD.vanishing & others))
    return Normalised(text, folded, hidden, invisible, is_same_length=same)


def _replaced(text: str, folds: Mapping[str, str]) -> str:
    # With more of them a table is quicker than one replacement each; what becomes something beyond
    # ASCII might be replaced a second time.
    if len(folds) > _FEW or not all(map(str.isascii, folds.values())):
        return text.translate(_FOLD)
    for one, new in folds.items():
        text = text.replace(one, new)
    return text


class _Fold(dict[int, str]):
    """
    What each character becomes; filled as characters are met, at most one entry for each.

    Attributes:
        changing: Those that become none or several.
        vanishing: Those that become none and are invisible by themselves.
    """

    def __init__(self) -> None:
        super().__init__({code: chr(code) for code in range(128)})
        self.changing: set[str] = set()
        self.vanishing: set[str] = set()

    def __missing__(self, code: int) -> str:
        one = chr(code)
        folded = _folded(one)
        if len(folded) != 1:
            self.changing.add(one)
        if not folded and not "\u0300" <= one <= "\u036f":
            self.vanishing.add(one)
        self[code] = folded
        return folded


def _folded(one: str) -> str:
    category = unicodedata.category(one)
    if (
        category == "Cf"
        or _is_selector(one)
        or one in "\u034f\u115f\u1160\u3164\uffa0\u17b4\u17b5"
    ):
        return ""
    if (
        "\u0300" <= one <= "\u036f"
        or "\u1ab0" <= one <= "\u1aff"
        or "\u20d0" <= one <= "\u20ff"
    ):
        return ""
    if one in _PUNCTUATION:
        return _PUNCTUATION[one]
    if category == "Zs":
        return " "
    if category in {"Zl", "Zp"}:
        return "\n"
    compatible = unicodedata.normalize("NFKC", one)
    if compatible.isascii():
        return compatible
    parts = unicodedata.normalize("NFD", compatible)
    if parts[0].isascii() or "Latin" in unicodedata.name(parts[0], "").title():
        parts = "".join(part for part in parts if not unicodedata.combining(part))
        return parts.translate(_LATIN_WITHOUT_PARTS)
    return compatible


def _is_selector(one: str) -> bool:
    return "\ufe00" <= one <= "\ufe0f" or "\U000e0000" <= one <= "\U000e0fff"


_FOLD: Final = _Fold()


def _latinised(match: re.Match[str]) -> str:
    """
    Make a word Latin if all of it can be, in a text that mixes scripts within words.
    """
    word = match[0]
    if word.isascii():
        return word
    latin = word.translate(_LOOKALIKES)
    return latin if latin.isascii() else word


def _hidden(text: str) -> list[tuple[str, int, int]]:
    """
    Read what tags and variation selectors spell: one byte each.
    """
    found = []
    for run in _TAGS.finditer(text):
        told = "".join(chr(ord(one) - 0xE0000) for one in run[0])
        found.append((told, *run.span()))
    for run in _SELECTORS.finditer(text):
        raw = bytes(
            ord(one) - 0xFE00 if one <= "\ufe0f" else ord(one) - 0xE0100 + 16
            for one in run[0]
        )
        found.append((raw.decode("utf-8", "replace"), *run.span()))
    return found
