"""
What letters say that stand apart, are replaced by digits, or shifted along the alphabet.
"""

from __future__ import annotations

import re
from typing import Final

from gateway_guardrails.injection.decoding import MAX_CHARACTERS, Edit
from gateway_guardrails.patterns import PatternSet

__all__ = ["LEET", "REPEATED", "is_leet", "joined", "shifted", "unstopped"]

_SEPARATORS: Final = "-._*|~,/+"
_STOPS: Final = re.compile(r"(?<=[^\s.])([.,;:!?]?)\.(?= )")
REPEATED: Final = re.compile(r"([A-Za-z])\1{2,}")
LEET: Final = str.maketrans("013457@$!|", "oieastasil")
_KEYWORDS: Final = re.compile(
    r"(ignore|disregard|forget|everything|previous|prior|above|instructions?|prompts?|system|"
    r"reveal|repeat|show|print|output|rules|guidelines|restrictions|pretend|please|without|"
    r"filters?|secret|password|answer|respond|the|all|your|you|and|that|hate|now|say|tell)",
    re.IGNORECASE,
)


def joined(text: str) -> list[Edit]:
    """
    Join letters that stand apart: ``i g n o r e``, ``i-g-n-o-r-e``.
    """
    edits = []
    at = 0
    for line in text[:MAX_CHARACTERS].splitlines(keepends=True):
        for match in _SINGLES.finditer(line):
            joined = _without_gaps(match[0])
            if joined is not None:
                edits.append(Edit(at + match.start(), at + match.end(), joined))
        at += len(line)
    return edits


_SINGLES: Final = re.compile(
    r"(?:[^\n] (?: {2})?){5,}[^\n ]?"
    r"|" + "|".join(rf"(?:[^\n]{re.escape(one)}){{5,}}[^\n]?" for one in _SEPARATORS)
)


def _without_gaps(run: str) -> str | None:
    gaps = run[1::2]
    if len(set(gaps)) == 1:
        joined = run[::2]
    else:
        joined = " ".join(word.replace(" ", "") for word in re.split(r" {2,}", run))
    letters = sum(one.isalpha() for one in joined)
    if letters * 2 < len(joined):
        return None
    if len(joined) > 14 and " " not in joined.strip():  # no word is so long
        joined = re.sub(r" +", " ", _KEYWORDS.sub(r" \1 ", joined))
    return joined


def unstopped(text: str) -> list[Edit]:
    """
    Take away the full stop behind every word.
    """
    return [
        Edit(*match.span(), match[1])
        for match in _STOPS.finditer(text[:MAX_CHARACTERS])
    ]


def is_leet(head: str) -> bool:
    """
    Tell whether several words have digits where letters belong.
    """
    return len(_LEET_WORD.findall(head[:2048])) >= 3


_LEET_WORD: Final = re.compile(
    r"\b(?=\w*[A-Za-z])(?=\w*[013457])(?:[A-Za-z]{1,4}[013457@$]{1,2}){1,5}[A-Za-z]*\b"
    r"|\b[013457]{1,2}[a-z]{1,4}(?:[013457]|\b)"
)


def shifted(text: str) -> str | None:
    """
    Undo a Caesar shift or atbash, for a text without any common word.
    """
    sample = text[:240]
    for word in _COMMONEST:
        if word in sample:
            return None
    if _WORD.hits(sample):
        return None
    letters = sum(map(str.isalpha, sample))
    if letters * 10 < len(sample) * 6:
        return None
    best, table = 2, None
    for candidate in _ALPHABETS:
        words = sum(1 for _ in _COMMON.finditer(sample.translate(candidate)))
        if words > best:
            best, table = words, candidate
    return text.translate(table) if table is not None else None


_LOWER: Final = "abcdefghijklmnopqrstuvwxyz"
_ALPHABETS: Final = [
    str.maketrans(_LOWER + _LOWER.upper(), told + told.upper())
    for told in [
        *(_LOWER[by:] + _LOWER[:by] for by in range(1, 26)),
        _LOWER[::-1],
    ]
]
#: Of the words below, those that almost every English text has, as they stand in it.
_COMMONEST: Final = (" the ", " to ", " of ", " and ", " is ")
_COMMON: Final = re.compile(
    r"\b(?:the|and|you|your|all|to|of|ignore|instructions|is|that|for|now)\b",
    re.IGNORECASE,
)

_WORD: Final = PatternSet(
    [
        (
            r"\b(?:the|a|an|to|of|and|in|is|it|for|on|you|i|that|this|be|are|as|with|was|my|at|if|or|not|"
            r"what|how|can|do|me|from|by|def|import|return|class|function|const|var|public|int|div|"
            r"de|la|le|el|en|que|der|die|und|das|il|di|e|o|les|des|een|het|och|na|nie|w|ve|bir|yang|"
            r"true|false|null|id|name|type|http|https|www|com)\b"
        )
    ],
    ignores_case=True,
)
