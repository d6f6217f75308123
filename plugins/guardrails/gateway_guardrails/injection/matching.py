"""
Which rules are found in a text, and where.

A rule is looked for by a pattern of its own, and only where it may be: patterns that are asked
together have an automaton that grows with the product of the rules' gaps, and with every new text.
Whether it may be there a screen tells (`gateway_guardrails.screens`); where there is none, and for
languages that most texts are not written in, its words must stand near each other (see
`gateway_guardrails.injection.choosing`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from operator import or_
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, Self

from gateway_guardrails.injection.catalogue import Rule, language_signs, rules
from gateway_guardrails.injection.gate import (
    Candidate,
    Gate,
    Sifted,
    Stretch,
    merged,
    stretches,
)
from gateway_guardrails.injection.places import in_characters, places_in
from gateway_guardrails.injection.readings import LETTER_SIGNS
from gateway_guardrails.patterns import HAS_RE2, Pattern, compile_pattern
from gateway_guardrails.screens import Screen, kept_screen

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Hit", "Look", "Matcher", "Screens", "Signs"]

#: How often one rule is looked for in one piece of text: more says nothing new.
MAX_HITS: Final = 6
#: How much text is looked at at once, in characters, and how much of it a second time.
PIECE: Final = 8192
OVERLAP: Final = 512
#: Bytes that the automaton of one rule may grow to.
MAX_MEMORY: Final = 1 << 20
#: How far from a find the common rules are looked for.
NEAR: Final = 800
_ASCII: Final = bytes(range(128))


class Hit(NamedTuple):
    """
    A rule that was found, and where in the text that was looked at.
    """

    rule: Rule
    start: int
    end: int


class Signs(NamedTuple):
    """
    What else may be in a text.

    Attributes:
        letters: One of `LETTER_SIGNS`.
        languages: Words of a language that is not English, folded to ASCII.
    """

    letters: bool
    languages: bool

    def __or__(self, other: Signs) -> Signs:
        return Signs(*map(or_, self, other))


class Look(NamedTuple):
    """
    What one look at a text tells.

    Attributes:
        hits: The rules that were found, in order of their start.
    """

    hits: Sequence[Hit]
    signs: Signs


class Screens(NamedTuple):
    """
    What tells which rules in English may be in a text.

    Attributes:
        own: Those for what users say, and the signs.
        foreign: Those that count only where nobody should speak to the assistant.
    """

    own: Screen
    foreign: Screen

    @classmethod
    def kept(cls, folder: Path) -> Self | None:
        """
        Make them, or read those that are kept in *folder*; None where there are none.
        """
        made = [
            kept_screen(patterns, folder / f"{name}.screen")
            for name, patterns in (
                ("injection", _sought(is_foreign=False)),
                ("injection-foreign", _sought(is_foreign=True)),
            )
        ]
        told = [one for one in made if one is not None]
        return cls(*told) if len(told) == len(made) else None


def _sought(*, is_foreign: bool) -> Sequence[str]:
    """
    Return the patterns of a screen: the numbers of the signs follow those of the rules.
    """
    told = [rule.sought for rule in _of_screen(is_foreign=is_foreign)]
    return told if is_foreign else (*told, language_signs(), *LETTER_SIGNS)


def _of_screen(*, is_foreign: bool) -> Sequence[Rule]:
    """
    Return the rules that a screen has, in the order in which it numbers them.
    """
    return [
        rule
        for rule in rules()
        if rule.language == "en" and rule.is_foreign is is_foreign
    ]


class Matcher:
    """
    Finds rules; made once for a choice of them, and safe to use from any thread.

    Args:
        screens: Without them literals are looked for, which finds the same.
    """

    def __init__(self, rules: Iterable[Rule], screens: Screens | None = None) -> None:
        some = list(rules)
        english = [rule for rule in some if rule.language == "en"]
        self._languages = _compiled(language_signs())
        self._english: _Asking = (
            _Gated(english) if screens is None else _Screened(english, screens)
        )
        self._others = _Group(rule for rule in some if rule.language != "en")
        self._warm = [rule for rule in english if not rule.is_foreign]

    def warm_up(self) -> None:
        """
        Find each rule for what users say in its own example.
        """
        for rule in self._warm:
            _compiled(rule.pattern).search(rule.hit)

    def look(self, text: str, *, is_foreign: bool) -> Look:
        """
        Look for the rules in *text*.

        Args:
            is_foreign: The text stands where nobody should speak to the assistant.
        """
        if len(text) <= PIECE:
            found, signs = self._in_piece(text, is_foreign=is_foreign)
            return Look(sorted(found, key=_place) if found else (), signs)
        hits = set()
        signs = _NO_SIGNS
        for at in range(0, len(text) - OVERLAP, PIECE - OVERLAP):
            found, here = self._in_piece(text[at : at + PIECE], is_foreign=is_foreign)
            signs |= here
            hits |= {
                hit._replace(start=hit.start + at, end=hit.end + at) for hit in found
            }
        return Look(sorted(hits, key=_place), signs)

    def _in_piece(self, text: str, *, is_foreign: bool) -> tuple[set[Hit], Signs]:
        piece = _Piece(text)
        candidates, signs = self._english.candidates(piece, is_foreign=is_foreign)
        if (signs.languages and piece.has(self._languages)) or (
            not piece.is_ascii and _has_other_letters(piece.raw)
        ):
            candidates += self._others.candidates(piece)[0]
        found = _found(candidates, piece) if candidates else set()
        if found and not piece.is_ascii:
            found = {Hit(rule, *in_characters(piece.raw, a, b)) for rule, a, b in found}
        return found, signs


class _Piece:
    """
    Some text that is looked at at once, in the forms in which it is.

    A property that `functools` remembers is made anew each time where this is compiled.
    """

    def __init__(self, text: str) -> None:
        self.is_ascii = text.isascii()
        self.text = text if self.is_ascii or HAS_RE2 else _lowered(text)
        self._raw: bytes | None = None
        self._sifted: Sifted | None = None

    @property
    def raw(self) -> bytes:
        """
        It is UTF-8.
        """
        if self._raw is None:
            self._raw = self.text.encode("utf-8", "replace")
        return self._raw

    @property
    def sifted(self) -> Sifted:
        """
        It is as literals are sought in it.
        """
        if self._sifted is None:
            self._sifted = Sifted(self.raw)
        return self._sifted

    def has(self, pattern: Pattern) -> bool:
        """
        Tell whether *pattern* is somewhere in it.
        """
        return any(True for _ in self.places(pattern, [(0, len(self.raw))], 1))

    def places(
        self, pattern: Pattern, where: Sequence[Stretch], limit: int = MAX_HITS
    ) -> Iterator[Stretch]:
        """
        Tell where *pattern* is in the stretches *where*, all in bytes.
        """
        return places_in(pattern, self.text, self.raw, where, limit)


class _Candidate(Protocol):
    """
    One rule that may be in a text.
    """

    rule: Rule

    def places(
        self, piece: _Piece, within: Sequence[Stretch] | None = None
    ) -> Iterator[Stretch]:
        """
        Tell where it is, in bytes, in one of the stretches *within*.
        """


class _Asking(Protocol):
    """
    Tells which rules in English may be in a text.
    """

    def candidates(
        self, piece: _Piece, *, is_foreign: bool
    ) -> tuple[list[_Candidate], Signs]:
        """
        Return those that may be in *piece*, and what else may.
        """


def _found(candidates: Sequence[_Candidate], piece: _Piece) -> set[Hit]:
    """
    Return where rules are, in bytes: the common ones only near others.
    """
    found = {
        Hit(one.rule, start, end)
        for one in candidates
        if not one.rule.is_common
        for start, end in one.places(piece)
    }
    if not found:
        return found
    near = merged([(hit.start - NEAR, hit.end + NEAR) for hit in found])
    return found.union(
        Hit(one.rule, start, end)
        for one in candidates
        if one.rule.is_common
        for start, end in one.places(piece, near)
    )


# --- by a screen ----------------------------------------------------------------------


class _Screened:
    """
    Rules of which screens tell whether they may be there.
    """

    def __init__(self, rules: Sequence[Rule], screens: Screens) -> None:
        self._screens = screens
        self._own, self._foreign = (
            _by_number(rules, is_foreign=is_foreign) for is_foreign in (False, True)
        )
        self._languages = len(_of_screen(is_foreign=False))

    def candidates(
        self, piece: _Piece, *, is_foreign: bool
    ) -> tuple[list[_Candidate], Signs]:
        hits = self._screens.own.hits(piece.text)
        found: list[_Candidate] = [self._own[one] for one in hits if one in self._own]
        if is_foreign:
            there = self._screens.foreign.hits(piece.text)
            found += [self._foreign[one] for one in there if one in self._foreign]
        if not hits:
            return found, _NO_SIGNS
        languages = self._languages
        return found, Signs(letters=max(hits) > languages, languages=languages in hits)


def _by_number(rules: Iterable[Rule], *, is_foreign: bool) -> Mapping[int, _Anywhere]:
    """
    Return those of *rules* that a screen has, by their numbers in it.
    """
    chosen = set(rules)
    return {
        number: _Anywhere(rule)
        for number, rule in enumerate(_of_screen(is_foreign=is_foreign))
        if rule in chosen
    }


class _Anywhere:
    """
    A rule that may be anywhere.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._pattern = _compiled(rule.pattern)

    def places(
        self, piece: _Piece, within: Sequence[Stretch] | None = None
    ) -> Iterator[Stretch]:
        all_of_it = [(0, len(piece.raw))]
        where = all_of_it if within is None else list(_common(all_of_it, within))
        return piece.places(self._pattern, where)


# --- by literals ----------------------------------------------------------------------


class _Gated:
    """
    Rules whose literals are looked for.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._own = _Group(
            (rule for rule in rules if not rule.is_foreign),
            further=(language_signs(), *LETTER_SIGNS),
        )
        self._foreign = _Group(rule for rule in rules if rule.is_foreign)

    def candidates(
        self, piece: _Piece, *, is_foreign: bool
    ) -> tuple[list[_Candidate], Signs]:
        found, further = self._own.candidates(piece)
        if is_foreign:
            found += self._foreign.candidates(piece)[0]
        if not further:
            return found, _NO_SIGNS
        return found, Signs(letters=max(further) > 0, languages=0 in further)


class _Somewhere:
    """
    A rule that may be near some of its literals.
    """

    def __init__(self, rule: Rule, pattern: Pattern, told: Sequence[Candidate]) -> None:
        self.rule = rule
        self._pattern = pattern
        self._told = told

    def places(
        self, piece: _Piece, within: Sequence[Stretch] | None = None
    ) -> Iterator[Stretch]:
        where = stretches(self._told, piece.sifted)
        if within is not None:
            where = list(_common(where, within))
        return piece.places(self._pattern, where)


class _Group:
    """
    Rules that are asked for together.

    Args:
        further: Patterns that are no rules.
    """

    def __init__(self, rules: Iterable[Rule], *, further: Sequence[str] = ()) -> None:
        self._rules = tuple(rules)
        texts = [rule.pattern for rule in self._rules]
        self._patterns = [_compiled(text) for text in texts]
        self._gate = _gate((*texts, *further))

    def candidates(self, piece: _Piece) -> tuple[list[_Candidate], Sequence[int]]:
        """
        Return which rules may be in *piece*, and the places of further patterns that may be.
        """
        found: list[_Candidate] = []
        further = []
        met = self._gate.candidates(piece.text, piece.raw, piece.sifted)
        for number, told in met.items():
            if number < len(self._rules):
                rule = self._rules[number]
                found.append(_Somewhere(rule, self._patterns[number], told))
            else:
                further.append(number - len(self._rules))
        return found, further


@lru_cache(maxsize=16)  # of few choices of rules: it takes a second to make
def _gate(patterns: tuple[str, ...]) -> Gate:
    return Gate(patterns)


@cache
def _compiled(pattern: str) -> Pattern:
    return compile_pattern(pattern, ignores_case=True, max_memory=MAX_MEMORY)


def _common(one: Sequence[Stretch], other: Sequence[Stretch]) -> Iterator[Stretch]:
    """
    Yield what two rows of stretches have in common.
    """
    for first, last in one:
        for start, end in other:
            if first < end and start < last:
                yield max(first, start), min(last, end)


def _has_other_letters(raw: bytes) -> bool:
    """
    Tell whether letters beyond ASCII are there, not only signs and pictures.
    """
    others = raw.translate(None, _ASCII).decode("utf-8", "replace")
    return any(map(str.isalpha, set(others)))


def _lowered(piece: str) -> str:
    """
    Lower letters, where the fallback's case is that of ASCII, and each stays one.
    """
    return "".join(one.lower() if len(one.lower()) == 1 else one for one in piece)


def _place(hit: Hit) -> tuple[int, int]:
    return hit.start, hit.end


_NO_SIGNS: Final = Signs(*[False] * len(Signs._fields))
