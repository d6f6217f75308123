"""
Which rules are found in a text, and where: sets tell which there are, then each tells where.

One RE2 set for all would have an automaton that grows with the product of the rules' gaps (1,800
µs/KB measured), so there are a few, of rules that seldom meet.  Sets for other languages are asked
only where a word of another language is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import attrs

from gateway_guardrails.patterns import HAS_RE2, Pattern, PatternSet, compile_pattern

from .catalogue import Rule, language_signs
from .places import places

__all__ = ["Hit", "Matcher"]

#: How often one rule is looked for in one piece of text: more says nothing new.
MAX_HITS: Final = 6
#: How much text is looked at at once, in characters, and how much of it a second time.
PIECE: Final = 8192
OVERLAP: Final = 512
#: Bytes that each set's automaton may grow to: there are a dozen.
MAX_MEMORY: Final = 16 << 20
#: How far from a find the common rules are looked for.
NEAR: Final = 800

#: Families of which one set is made, those whose gaps do not multiply, and what else it looks for.
_TOGETHER: Final = (
    ({"override", "reset", "hidden"}, ()),
    (
        {
            *("new_instructions", "persona", "refusal_suppression"),
            *("jailbreak", "chat_template", "forced_prefix"),
        },
        (),
    ),
    (
        {"prompt_extraction", "secret_extraction", "tool_coercion", "exfiltration"},
        (),
    ),
    ({"no_limits", "fiction", "aimed", "planted_code"}, (language_signs,)),
)
_LANGUAGES: Final = (
    frozenset({"de", "nl", "sv"}),
    frozenset({"fr", "es", "it", "pt"}),
    frozenset({"pl", "hr", "cs", "tr", "id", "vi"}),
    frozenset({"ru", "uk"}),
    frozenset({"zh", "ja", "ko"}),
    frozenset({"ar", "hi"}),
)


class Hit(NamedTuple):
    """
    A rule that was found, and where in the text that was looked at.
    """

    rule: Rule
    start: int
    end: int


class Matcher:
    """
    Finds rules; made once for a choice of them, and safe to use from any thread.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        some = list(rules)
        english = [rule for rule in some if rule.language == "en"]
        plain = [rule for rule in english if not rule.is_common]
        own = [rule for rule in plain if not rule.is_foreign]
        self._own = [
            _group((rule for rule in own if rule.family in families), further)
            for families, further in _TOGETHER
        ]
        foreign = [rule for rule in plain if rule.is_foreign]
        self._foreign = [
            _group(rule for rule in foreign if (rule.family == "aimed") is aimed)
            for aimed in (True, False)
        ]
        self._common = [
            (rule, compile_pattern(rule.pattern, ignores_case=True))
            for rule in english
            if rule.is_common
        ]
        others = [rule for rule in some if rule.language != "en"]
        self._others = [
            _group(rule for rule in others if rule.language in languages)
            for languages in _LANGUAGES
        ]

    def hits(self, text: str, *, is_foreign: bool) -> list[Hit]:
        """
        Find the rules in *text*, in order of their start.

        Args:
            is_foreign: The text stands where nobody should speak to the assistant.
        """
        found: list[Hit] = []
        for at in range(0, max(len(text) - OVERLAP, 1), PIECE - OVERLAP):
            piece = text if len(text) <= PIECE else text[at : at + PIECE]
            found.extend(self._in_piece(piece, at, is_foreign=is_foreign))
        if found:
            found.extend(self._common_beside(found, text, is_foreign=is_foreign))
            found = sorted(set(found), key=lambda hit: (hit.start, hit.end))
        return found

    def _in_piece(self, piece: str, at: int, *, is_foreign: bool) -> Iterator[Hit]:
        if not HAS_RE2 and not piece.isascii():
            piece = _lowered(piece)
        raw = piece.encode("utf-8", "replace")
        is_other = not piece.isascii()
        for group in self._own:
            for number in group.together.hits(raw):
                if number < len(group.rules):
                    yield from group.hits(number, piece, at, raw)
                else:
                    is_other = True
        for group in self._further(is_foreign=is_foreign, is_other=is_other):
            for number in group.together.hits(raw):
                yield from group.hits(number, piece, at, raw)

    def _further(self, *, is_foreign: bool, is_other: bool) -> Iterator[_Group]:
        if is_foreign:
            yield from self._foreign
        if is_other:
            yield from self._others

    def _common_beside(
        self, found: Sequence[Hit], text: str, *, is_foreign: bool
    ) -> Iterator[Hit]:
        reached = 0
        for hit in sorted(found, key=lambda hit: hit.start)[: 4 * MAX_HITS]:
            start, end = max(reached, hit.start - NEAR), hit.end + NEAR
            if end <= reached:
                continue
            reached = end
            around = text[start:end]
            for rule, pattern in self._common:
                if rule.is_foreign and not is_foreign:
                    continue
                for first, last in places(pattern, around, MAX_HITS):
                    yield Hit(rule, start + first, start + last)


def _lowered(piece: str) -> str:
    """
    Lower letters, where the fallback's case is that of ASCII, and each stays one.
    """
    return "".join(one.lower() if len(one.lower()) == 1 else one for one in piece)


@attrs.define(eq=False)
class _Group:
    """
    Rules that one set looks for.
    """

    rules: Sequence[Rule]
    together: PatternSet
    _each: list[Pattern | None]

    def hits(self, number: int, piece: str, at: int, raw: bytes) -> Iterator[Hit]:
        """
        Tell where one rule is, in a piece of text that begins at *at*.
        """
        for start, end in places(self._pattern(number), piece, MAX_HITS, raw):
            yield Hit(self.rules[number], at + start, at + end)

    def _pattern(self, number: int) -> Pattern:
        pattern = self._each[number]
        if pattern is None:  # most are never found, so never compiled
            pattern = compile_pattern(self.rules[number].pattern, ignores_case=True)
            self._each[number] = pattern
        return pattern


def _group(rules: Iterable[Rule], further: Iterable[Callable[[], str]] = ()) -> _Group:
    some = tuple(rules)
    patterns = [*(rule.pattern for rule in some), *(told() for told in further)]
    return _Group(
        some,
        PatternSet(patterns, ignores_case=True, max_memory=MAX_MEMORY),
        [None] * len(some),
    )
