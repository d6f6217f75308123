"""
Which rules are found in a text, and where.

A rule is only looked for where its words stand near each other (see
`gateway_guardrails.injection.choosing`), by a pattern of its own.  Patterns that are asked together
have an automaton that grows with the product of the rules' gaps, and with every new text.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Final, NamedTuple

from gateway_guardrails.injection.catalogue import Rule, language_signs
from gateway_guardrails.injection.gate import (
    Candidate,
    Gate,
    Sifted,
    Stretch,
    merged,
    stretches,
)
from gateway_guardrails.injection.places import in_characters, places_in
from gateway_guardrails.patterns import HAS_RE2, Pattern, compile_pattern

__all__ = ["Hit", "Look", "Matcher"]

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
#: The places of the further patterns.
_LANGUAGES: Final = 0
_SIGN: Final = 1


class Hit(NamedTuple):
    """
    A rule that was found, and where in the text that was looked at.
    """

    rule: Rule
    start: int
    end: int


class Look(NamedTuple):
    """
    What one look at a text tells.

    Attributes:
        hits: The rules that were found, in order of their start.
        may_have_sign: The further pattern may be found too.
    """

    hits: Sequence[Hit]
    may_have_sign: bool


class Matcher:
    """
    Finds rules; made once for a choice of them, and safe to use from any thread.

    Args:
        sign: A pattern that is looked for together with the rules, which costs next to nothing.
    """

    def __init__(self, rules: Iterable[Rule], *, sign: str | None = None) -> None:
        some = list(rules)
        english = [rule for rule in some if rule.language == "en"]
        self._languages = _compiled(language_signs())
        self._own = _Group(
            (rule for rule in english if not rule.is_foreign),
            further=(language_signs(), sign) if sign else (language_signs(),),
        )
        self._foreign = _Group(rule for rule in english if rule.is_foreign)
        self._others = _Group(rule for rule in some if rule.language != "en")

    def warm_up(self) -> None:
        """
        Find each rule for what users say in its own example.
        """
        self._own.warm_up()

    def look(self, text: str, *, is_foreign: bool) -> Look:
        """
        Look for the rules in *text*.

        Args:
            is_foreign: The text stands where nobody should speak to the assistant.
        """
        if len(text) <= PIECE:
            found, may_have_sign = self._in_piece(text, is_foreign=is_foreign)
            return Look(sorted(found, key=_place) if found else (), may_have_sign)
        hits = set()
        may_have_sign = False
        for at in range(0, len(text) - OVERLAP, PIECE - OVERLAP):
            found, may_here = self._in_piece(
                text[at : at + PIECE], is_foreign=is_foreign
            )
            may_have_sign |= may_here
            hits |= {
                hit._replace(start=hit.start + at, end=hit.end + at) for hit in found
            }
        return Look(sorted(hits, key=_place), may_have_sign)

    def _in_piece(self, piece: str, *, is_foreign: bool) -> tuple[set[Hit], bool]:
        is_plain = piece.isascii()
        told = piece if is_plain or HAS_RE2 else _lowered(piece)
        raw = told.encode("utf-8", "replace")
        sifted = Sifted(raw)
        candidates, further = self._own.candidates(told, raw, sifted)
        if is_foreign:
            candidates += self._foreign.candidates(told, raw, sifted)[0]
        if (_LANGUAGES in further and self._languages.search(told) is not None) or (
            not is_plain and _has_other_letters(raw)
        ):
            candidates += self._others.candidates(told, raw, sifted)[0]
        found = _found(candidates, told, raw, sifted) if candidates else set()
        if found and not is_plain:
            found = {Hit(rule, *in_characters(raw, a, b)) for rule, a, b in found}
        return found, _SIGN in further


def _found(
    candidates: Sequence[_Candidates], told: str, raw: bytes, sifted: Sifted
) -> set[Hit]:
    """
    Return where rules are, in bytes: the common ones only near others.
    """
    found = {
        Hit(one.rule, start, end)
        for one in candidates
        if not one.rule.is_common
        for start, end in one.places(told, raw, sifted)
    }
    if not found:
        return found
    near = merged([(hit.start - NEAR, hit.end + NEAR) for hit in found])
    return found.union(
        Hit(one.rule, start, end)
        for one in candidates
        if one.rule.is_common
        for start, end in one.places(told, raw, sifted, near)
    )


class _Candidates:
    """
    Where one rule may be in a text.
    """

    def __init__(self, rule: Rule, pattern: Pattern, told: Sequence[Candidate]) -> None:
        self.rule = rule
        self._pattern = pattern
        self._told = told

    def places(
        self,
        piece: str,
        raw: bytes,
        sifted: Sifted,
        within: Sequence[Stretch] | None = None,
    ) -> Iterator[Stretch]:
        """
        Tell where it is, in bytes, in one of the stretches *within*.
        """
        where = stretches(self._told, sifted)
        if within is not None:
            where = list(_common(where, within))
        return places_in(self._pattern, piece, raw, where, MAX_HITS)


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

    def warm_up(self) -> None:
        """
        Find each rule in its own example.
        """
        for rule, pattern in zip(self._rules, self._patterns, strict=True):
            pattern.search(rule.hit)

    def candidates(
        self, piece: str, raw: bytes, sifted: Sifted
    ) -> tuple[list[_Candidates], Container[int]]:
        """
        Return which rules may be in *piece*, and the places of further patterns that may be.
        """
        found = []
        further = []
        for number, told in self._gate.candidates(piece, raw, sifted).items():
            if number < len(self._rules):
                rule = self._rules[number]
                found.append(_Candidates(rule, self._patterns[number], told))
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
