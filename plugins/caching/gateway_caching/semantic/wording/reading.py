"""
Reading what decides the meaning of a question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from gateway_caching.semantic.wording.lexicon import (
    ASKING,
    DATES,
    FILLERS,
    NEGATIONS,
    NUMBERS,
    OPENERS,
    PERSONS,
    POLES,
    SYNONYMS,
    TENSES,
    UNIT_SIGNS,
    UNITS,
)
from gateway_caching.semantic.wording.words import (
    ALIKE,
    Pieces,
    Word,
    is_legible,
    stem,
    take_apart,
)

__all__ = ["Wording", "read_wording"]

#: Ways of asking that say the same.
_PHRASES: Final = tuple(
    (re.compile(pattern, re.IGNORECASE | re.VERBOSE), instead)
    for pattern, instead in (
        (
            r"""\b(?:can|could|would|will)[ ](?:you|someone|anyone)(?:[ ]please)?
            [ ](?:tell|show|teach|help|explain[ ]to|explain|describe|give)
            (?:[ ](?-i:me|us))?\b""",
            " ",
        ),
        (r"\b(?:please[ ])?(?:tell|show|teach|help|give)[ ](?-i:me|us)\b", " "),
        (
            r"""\bI(?:'d|[ ]would)?[ ](?:want|wanna|need|like|love)(?:[ ]to)?
            [ ](?:know|learn|understand|find[ ]out)\b""",
            " ",
        ),
        (
            r"""\bI(?:[ ]was|'m|[ ]am)[ ](?:just[ ])?wondering
            (?:[ ]if[ ]you[ ](?:could|can)[ ]tell[ ]me)?\b""",
            " ",
        ),
        (r"\b(?:do|would|could)[ ]you[ ](?:happen[ ]to[ ])?know\b", " "),
        (
            r"""\b(?:what[ ]is|what's|whats|is[ ]there)[ ](?:the|a|any)
            (?:[ ]right|[ ]proper|[ ]correct)?[ ]ways?[ ](?:to|of|for)\b""",
            " how ",
        ),
        (
            r"""\bwhat[ ](?:are[ ]the[ ]steps|steps[ ]do[ ]I[ ]need|do[ ]I[ ]need[ ]to[ ]do
            |should[ ]I[ ]do|do[ ]I[ ]have[ ]to[ ]do|must[ ]I[ ]do)[ ](?:to|for)\b""",
            " how ",
        ),
        (
            r"""\bhow[ ](?:can|do|could|would|should|does|may|might|shall)
            [ ](?:i|you|we|one|someone|people)\b""",
            " how ",
        ),
        (r"\bhow[ ](?:to|would[ ]one|can[ ]one)\b", " how "),
        (r"\bhow[ ](?:many|much)\b", " howmany "),
        (r"\b(?:have|has|got|needs?)[ ]to\b", " must "),
        (r"%", " percent "),
        (r"\bwas[ ]ist[ ]der[ ](?:richtige[ ])?weg\b", " wie "),
        (r"\bwie[ ](?:kann|kannst|können|könnte)[ ](?:ich|du|man|wir)\b", " wie "),
        (r"\bcomment[ ](?:puis-je|peut-on|faire[ ]pour|je[ ]peux)\b", " comment "),
        (r"\bc[oó]mo[ ](?:puedo|se[ ]puede|podr[ií]a)\b", " cómo "),
        (r"\best-ce[ ]qu[e'][ ]?", " "),
    )
)
#: The half of a negation in French that may be left out.
_NEGATED_FRENCH: Final = frozenset({"ne", "n"})


@attrs.frozen(kw_only=True)
class Wording:
    """
    What decides the meaning of one question.

    Attributes:
        signature: What must be the same to the letter and in its order, kind by kind.
        persons: Of whom it speaks, as 1, 2, …; empty if of nobody.
        words: All words and numbers, in small letters.
        names: Words of it that are names whatever else is asked.
        openers: Words that begin a sentence in a capital letter, names or not.
        content: Stems of the words that carry meaning, in their order.
    """

    signature: tuple[tuple[str, ...], ...]
    persons: tuple[str, ...]
    words: tuple[str, ...]
    names: frozenset[str]
    openers: frozenset[str]
    content: tuple[str, ...]


def read_wording(text: str) -> Wording | None:
    """
    Read *text*; None where it is in a script of which nothing is known here.
    """
    if not is_legible(text):
        return None
    pieces = take_apart(_plainly(text))
    sorted_out = _Sorting()
    for item in pieces.items:
        sorted_out.take(item)
    return Wording(
        signature=(pieces.literals, pieces.signs, *sorted_out.kinds()),
        persons=_collapsed(sorted_out.persons),
        words=tuple(
            item if isinstance(item, str) else item.text for item in pieces.items
        ),
        names=frozenset(_names(pieces)),
        openers=frozenset(_openers(pieces)),
        content=tuple(sorted_out.content),
    )


def _plainly(text: str) -> str:
    text = text.translate(ALIKE)
    for phrase, instead in _PHRASES:
        text = phrase.sub(instead, text)
    return text


@attrs.define
class _Sorting:
    """
    Sorts words and numbers by what they do.
    """

    negations: list[str] = attrs.field(factory=list)
    numbers: list[str] = attrs.field(factory=list)
    units: list[str] = attrs.field(factory=list)
    dates: list[str] = attrs.field(factory=list)
    asking: list[str] = attrs.field(factory=list)
    tenses: list[str] = attrs.field(factory=list)
    poles: list[str] = attrs.field(factory=list)
    persons: list[str] = attrs.field(factory=list)
    content: list[str] = attrs.field(factory=list)

    def kinds(self) -> Iterator[tuple[str, ...]]:
        """
        Tell what must be the same, each kind by itself.
        """
        denied = [
            each
            for each in self.negations
            if each not in _NEGATED_FRENCH or len(self.negations) == 1
        ]
        yield tuple("not" if each in _NEGATED_FRENCH else each for each in denied)
        yield tuple(self.numbers)
        yield tuple(self.units)
        yield tuple(self.dates)
        yield tuple(self.asking)
        yield tuple(sorted(set(self.tenses)))
        yield tuple(self.poles)

    def take(self, item: str | Word) -> None:
        """
        Put *item* to its kind.
        """
        if isinstance(item, str):
            self.numbers.append(item)
            return
        word = item.text
        # Single letters are units behind a number alone.
        if item.follows_number and word in UNIT_SIGNS:
            self.units.append(UNITS.get(word, word))
            return
        meaning = _MEANINGS.get(word)
        if meaning is not None:
            kind, told = meaning
            getattr(self, kind).append(told)
            return
        self._take_other(word)

    def _take_other(self, word: str) -> None:
        root = _root(word)
        if word in POLES or root in _POLE_ROOTS:
            self.poles.append(root)
        elif word not in FILLERS:
            self.content.append(root)


def _root(word: str) -> str:
    root = stem(word)
    return _ROOTS.get(root, root)


def _names(pieces: Pieces) -> Iterator[str]:
    for word in pieces.words:
        is_inside = word.is_capitalised and not word.begins
        if word.is_loud or (is_inside and word.text not in _USUAL):
            yield word.text


def _openers(pieces: Pieces) -> Iterator[str]:
    for word in pieces.words:
        if word.begins and word.is_capitalised and word.text not in _USUAL:
            yield word.text


def _collapsed(persons: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        person
        for at, person in enumerate(persons)
        if at == 0 or persons[at - 1] != person
    )


_USUAL: Final = FILLERS.union(OPENERS, NEGATIONS, ASKING, TENSES, PERSONS)
#: What a word means, and what stands for it; the last kind that knows a word has it.
_MEANINGS: Final = {
    word: (kind, f"#{told}" if kind == "numbers" else told)
    for kind, known in (
        ("persons", PERSONS),
        ("tenses", TENSES),
        ("asking", ASKING),
        ("dates", DATES),
        ("units", {word: unit for word, unit in UNITS.items() if len(word) > 1}),
        ("numbers", NUMBERS),
        ("negations", NEGATIONS),
    )
    for word, told in known.items()
}
_ROOTS: Final = {stem(word): stem(first) for word, first in SYNONYMS.items()}
_POLE_ROOTS: Final = frozenset(_ROOTS.get(stem(word), stem(word)) for word in POLES)
