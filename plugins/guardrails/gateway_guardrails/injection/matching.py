"""
Which rules are found in a text, and where: sets tell which there are, then each tells where.

One RE2 set for all would have an automaton that grows with the product of the rules' gaps (1,800
µs/KB measured), so there are a few, of rules that seldom meet.  Sets for other languages are asked
only where a word of another language is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

import attrs

from gateway_guardrails.patterns import Pattern, PatternSet, compile_pattern

from .catalogue import Rule, language_signs

__all__ = ["Hit", "Matcher"]

#: How often one rule is looked for in one piece of text: more says nothing new.
MAX_HITS: Final = 6
#: How much text is looked at at once, in characters, and how much of it a second time.
PIECE: Final = 8192
OVERLAP: Final = 512
#: How far from a find the common rules are looked for.
NEAR: Final = 1500

#: Families of which one set is made: those whose gaps do not multiply.
_TOGETHER: Final = (
    frozenset({"override", "reset"}),
    frozenset(
        {
            "new_instructions",
            "persona",
            "refusal_suppression",
            "jailbreak",
            "chat_template",
        }
    ),
    frozenset({"prompt_extraction", "secret_extraction", "tool_coercion"}),
    frozenset({"no_limits", "fiction", "forced_prefix"}),
    frozenset({"exfiltration", "hidden", "aimed"}),
)
_LATIN: Final = (
    frozenset({"de", "nl", "sv"}),
    frozenset({"fr", "es", "it", "pt"}),
    frozenset({"pl", "hr", "cs", "tr", "id", "vi", "hi"}),
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
        self._own = [
            group
            for families in _TOGETHER
            if (
                group := _group(
                    r for r in plain if r.family in families and not r.is_foreign
                )
            )
        ]
        self._foreign = _group(rule for rule in plain if rule.is_foreign)
        self._common = [
            (rule, compile_pattern(rule.pattern, ignores_case=True))
            for rule in english
            if rule.is_common
        ]
        others = [rule for rule in some if rule.language != "en"]
        self._latin = [
            group
            for languages in _LATIN
            if (
                group := _group(
                    r for r in others if r.language in languages and r.pattern.isascii()
                )
            )
        ]
        self._scripts = _group(rule for rule in others if not rule.pattern.isascii())
        self._sign = PatternSet([language_signs()], ignores_case=True)

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
        raw = piece.encode("utf-8", "replace")
        for group in self._groups(piece, raw, is_foreign=is_foreign):
            for number in group.together.hits(raw):
                rule = group.rules[number]
                for match in islice(group.pattern(number).finditer(piece), MAX_HITS):
                    if match.end() > match.start():
                        yield Hit(rule, at + match.start(), at + match.end())

    def _groups(self, piece: str, raw: bytes, *, is_foreign: bool) -> Iterator[_Group]:
        yield from self._own
        if is_foreign and self._foreign is not None:
            yield self._foreign
        if self._latin and self._sign.hits(raw):
            yield from self._latin
        if self._scripts is not None and not piece.isascii():
            yield self._scripts

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
                for match in islice(pattern.finditer(around), MAX_HITS):
                    yield Hit(rule, start + match.start(), start + match.end())


@attrs.define(eq=False)
class _Group:
    """
    Rules that one set looks for.
    """

    rules: Sequence[Rule]
    together: PatternSet
    _each: list[Pattern | None]

    def pattern(self, number: int) -> Pattern:
        """
        Compile one rule when it is found first: most never are.
        """
        pattern = self._each[number]
        if pattern is None:
            pattern = compile_pattern(self.rules[number].pattern, ignores_case=True)
            self._each[number] = pattern
        return pattern


def _group(rules: Iterable[Rule]) -> _Group | None:
    some = tuple(rules)
    if not some:
        return None
    together = PatternSet((rule.pattern for rule in some), ignores_case=True)
    return _Group(some, together, [None] * len(some))
