"""
The detector of credentials.

One pass of an automaton over the text tells where literals stand: the marks of vendors'
formats, names of values, beginnings of blocks, ``://``.  Each is then looked at in its place, and
what it is hangs on a bounded stretch around it alone; so it does not matter how a text was cut into
pieces.  What is undecided is the last run of characters without a gap, a value whose end is not yet
there, or a block.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from gateway.detecting import Detector, DetectorTools, Find, Place, Severity
from gateway.errors import ConfigError, Problem
from gateway_guardrails.columns import (
    column_at,
    crowd_of_heads,
    may_be_head,
)
from gateway_guardrails.crowds import Crowd
from gateway_guardrails.patterns import PatternInvalid, PatternSet
from gateway_guardrails.secrets.assignments import judge_cell, judge_value
from gateway_guardrails.secrets.blocks import block_at, body_at
from gateway_guardrails.secrets.checksums import CHECKSUMS
from gateway_guardrails.secrets.formats import Format
from gateway_guardrails.secrets.held import held_in
from gateway_guardrails.secrets.names import Name, stands_alone
from gateway_guardrails.secrets.openings import (
    CROWD,
    CROWD_CHARACTERS,
    NAME_CHARACTERS,
    OPENING_CHARACTERS,
    PHRASES,
    PHRASES_CHARACTERS,
    REACH,
    openings,
    rest_of,
    value_end,
)
from gateway_guardrails.secrets.options import SecretsOptions
from gateway_guardrails.secrets.own import MARK_CHARACTERS, OwnKeys
from gateway_guardrails.secrets.rules import Marks, Rules, compiled_rules
from gateway_guardrails.secrets.runs import find_in_runs, last_run
from gateway_guardrails.secrets.seeds import has_check, phrase_at
from gateway_guardrails.secrets.values import (
    entropy_of,
    is_common,
    is_placeholder,
    is_randomlike,
)

__all__ = ["SECRETS", "SecretsDetector"]

#: What stands around a mark is looked at so far.
_LOCAL_CHARACTERS: Final = 512

#: Who asks for so much entropy has a form that words may have.
_NEEDS_DIGIT: Final = 3.8

#: A shorter block is its first line alone.
_ARMOUR_CHARACTERS: Final = 80

_WORD: Final = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
)
_LEAD_SET: Final = "".join(sorted(_WORD)) + "-.~+/:"
_HEX: Final = frozenset("0123456789abcdefABCDEF")
_WORD_SET: Final = "".join(sorted(_WORD)) + "-."
_BEFORE_TRANSPORT: Final = re.compile(
    r"(?<![A-Za-z0-9_])[A-Za-z0-9_.\-]{1,32}:(?!//)([A-Za-z0-9_.\-~+/=:%$!?#&*^|]{4,96})\Z"
)
#: Characters that an escape before a credential may have.
_ESCAPE: Final = 8
_COLOUR: Final = re.compile(r"\[[0-9;]{1,6}m\Z")
_AUTHORITY: Final = re.compile(
    r"://([A-Za-z0-9_.\-~+%$!&*^=|@]{0,64}):([A-Za-z0-9_.\-~+:%@$!?#&*^|=]{1,200})@[A-Za-z0-9\[%{$]"
)
# A token alone, as hosts of repositories take it: https://TOKEN@host/...
_TOKEN_AUTHORITY: Final = re.compile(r"://([A-Za-z0-9_.\-~]{20,255})@[A-Za-z0-9\[]")


class SecretsDetector:
    """
    Finds credentials.

    Args:
        rules: What is looked for.
        own: The gateway's own keys; None if they are not looked for.
        knows: Tells whether callers are let in by a text; None if nobody knows.
        without: Types that are left out.
        shows_public: What is meant to be seen is found as well.
        allowed: Values that are no secrets.
    """

    #: A name, and what may stand before its value.
    context: int = REACH

    def __init__(
        self,
        rules: Rules,
        *,
        own: OwnKeys | None = None,
        knows: Callable[[str], bool] | None = None,
        without: frozenset[str] = frozenset(),
        shows_public: bool = False,
        allowed: PatternSet | None = None,
    ) -> None:
        self.rules = rules
        self.own = own
        self.knows = knows
        self.without = without
        self.shows_public = shows_public
        self.allowed = allowed

    def find(
        self, text: str, start: int, *, final: bool, place: Place
    ) -> tuple[Sequence[Find], int]:
        """
        Find credentials; see `gateway.detecting.TextDetector.find`.
        """
        decided = len(text) if final else last_run(text, start)
        look = _Look(text, start, decided, final, self)
        look.at_held()
        look.at_literals()
        look.at_runs()
        return look.finds(), look.safe

    def warm_up(self) -> None:
        """
        Look at each literal once, so that the first text does not wait for what it reads.
        """
        told = " ".join(mark.literal for mark in self.rules.marks)
        self.find(told, 0, final=True, place=Place(stage="input", role="user"))

    def keeps(self, type_: str, severity: Severity, value: str) -> bool:
        """
        Tell whether a find of that kind is shown.
        """
        if type_ in self.without or (severity == "medium" and not self.shows_public):
            return False
        return self.allowed is None or not self.allowed.hits(value)


class _Look:
    """
    One look at one text.
    """

    def __init__(
        self,
        text: str,
        start: int,
        decided: int,
        final: bool,
        detector: SecretsDetector,
    ) -> None:
        self.text = text
        self.start = start
        self.decided = decided
        #: What stands from here on may be another thing when more text is there.
        self.open_from = len(text) + 1 if final else len(text)
        self.safe = decided
        self.detector = detector
        self._found: dict[int, Find] = {}
        self._has_run_mark: list[int] = []
        #: Up to where each format was looked for: marks that overlap share what is before them.
        self._tried: dict[re.Pattern[str], int] = {}
        self._names = Crowd(CROWD, CROWD_CHARACTERS)
        self._phrases = Crowd(PHRASES, PHRASES_CHARACTERS)
        self._heads = crowd_of_heads()

    def finds(self) -> Sequence[Find]:
        """
        Return what was found and is decided, in order.
        """
        found, safe = self._found, self.safe
        if not found:
            return ()
        shown = (found[start] for start in sorted(found) if start < safe)
        # What is left out stays so, and is not found by a name less exact.
        return [one for one in shown if self._is_shown(one)]

    def _is_shown(self, one: Find) -> bool:
        value = self.text[one.start : one.end]
        return self.detector.keeps(one.type, one.severity, value)

    def at_literals(self) -> None:
        """
        Look at each literal's place.
        """
        base = max(0, self.start - REACH)
        piece = self.text[base : self.decided]
        own = self.detector.own
        literals = own.literals if own is not None else self.detector.rules.literals
        marks = self.detector.rules.marks
        last: dict[int, int] = {}
        for number, start, end in literals.hits(piece):
            is_again = last.get(number) == start - 1
            last[number] = start
            if is_again:
                continue  # AAAA... has it at each place, and nothing begins within
            if number < len(marks):
                self._at_mark(marks[number], start + base, end + base)
            if own is not None and end - start == MARK_CHARACTERS:
                self._at_own(own, start + base)

    def at_runs(self) -> None:
        """
        Look through long runs of characters without a gap.
        """
        runs = self.detector.rules.runs
        for found in find_in_runs(
            runs, self.text, self.start, self.decided, self._has_run_mark
        ):
            one = runs.formats[found.number]
            self._credential(one, found.start, found.end)

    def at_held(self) -> None:
        """
        Look at what callers may be let in by, whatever its form.
        """
        knows = self.detector.knows
        if knows is not None:
            for start, end in held_in(self.text, self.start, self.decided, knows):
                self._add(start, end, "gateway_virtual_key", "critical", 1.0)

    def _at_mark(self, mark: Marks, start: int, end: int) -> None:
        if mark.formats and start + _LOCAL_CHARACTERS > self.start:
            for one, pattern in mark.formats:
                if self._has_format(one, pattern, start):
                    break
        if mark.name is not None:
            if not self._names.is_full_at(start):
                self._at_name(mark.name, start, end)
            if mark.is_head and may_be_head(self.text, end):
                self._at_head(mark.name, start, end)
        if mark.in_runs and start >= self.start:
            self._has_run_mark.append(start)
        if mark.is_scheme:
            self._at_authority(start)
        elif mark.is_block and start >= self.start:
            self._at_block(start)
        elif mark.is_first_line and end >= self.start:
            self._at_body(end)
        elif mark.is_transport:
            self._at_transport(start)

    def _has_format(self, one: Format, pattern: re.Pattern[str], mark: int) -> bool:
        if not one.lead:
            if mark < self.start or not self._is_boundary(mark):
                return False
            return self._begins(one, pattern, mark, mark) is True
        text = self.text
        begin = self._leftmost(mark, one.lead)
        if text[begin - 1 : begin] == "\\" and begin < mark and text[begin] in "nrt":
            begin += 1  # a line's end as it stands in escaped text
        begin = max(begin, self.start, self._tried.get(pattern, 0))
        is_one = None
        while begin <= mark and is_one is None:
            if self._is_boundary(begin):
                is_one = self._begins(one, pattern, begin, mark)
            begin += 1
        self._tried[pattern] = begin
        return is_one is True

    def _begins(
        self, one: Format, pattern: re.Pattern[str], begin: int, mark: int
    ) -> bool | None:
        """
        Tell whether a credential begins there; None where nothing has its form.
        """
        match = pattern.match(self.text, begin, begin + one.most)
        if match is None or match.end() <= mark or not self._ends_at(match.end()):
            return None
        return self._credential(one, begin, match.end())

    def _leftmost(self, mark: int, lead: int) -> int:
        # A mark in the middle: as far to the left as the credential's characters go.
        before = self.text[max(0, mark - lead) : mark]
        return mark - len(before) + len(before.rstrip(_LEAD_SET))

    def _is_boundary(self, at: int) -> bool:
        text = self.text
        if at == 0 or text[at - 1] not in _WORD:
            return True
        if text[max(0, at - _ESCAPE) : at].isalnum():
            return False
        # Behind \n or %3D as they stand in escaped text.
        two = text[max(0, at - 3) : at]
        if two[-2:] in ("\\n", "\\t", "\\r") or _COLOUR.search(
            text, max(0, at - _ESCAPE), at
        ):
            return True
        return len(two) == 3 and two[0] == "%" and two[1] in _HEX and two[2] in _HEX

    def _ends_at(self, at: int) -> bool:
        return at >= len(self.text) or self.text[at] not in _WORD

    def _credential(self, one: Format, start: int, end: int) -> bool:
        value = self.text[start:end]
        if entropy_of(value) < one.entropy or is_placeholder(value, is_named=False):
            return False
        if one.entropy >= _NEEDS_DIGIT and not any(c.isdigit() for c in value):
            return False  # words put together
        score = 0.95 if one.vendor != "several" else 0.75
        if one.check is not None:
            is_right = CHECKSUMS[one.check](value)
            if one.needs_check and not is_right:
                return False
            score = 1.0 if is_right else 0.85
        self._add(start, end, one.name, one.severity, score)
        return True

    def _at_name(self, name: Name, start: int, end: int) -> None:
        if name.kind == "phrase" and self._phrases.is_full_at(start):
            return
        if start + OPENING_CHARACTERS < self.start:
            return
        if name.kind == "phrase":
            self._at_phrase(start, end)
            return
        for opening in openings(self.text, start, end, name):
            if not self.start <= opening.value < self.decided:
                continue
            stop, is_open = value_end(self.text, opening, name.kind, self.open_from)
            if is_open:
                self.safe = min(self.safe, opening.value)
                continue
            secret = judge_value(self.text, start, end, opening, stop, name)
            if secret is not None:
                self._add(*secret)

    def _at_head(self, name: Name, start: int, end: int) -> None:
        text = self.text
        is_final = self.open_from > len(text)
        column = column_at(text, start, end, self._heads, is_final=is_final)
        if column is None or column.start < self.start:
            return
        if not stands_alone(text, start, end, name):
            return
        if column.is_open:
            self.safe = min(self.safe, column.start)
            return
        left = text[max(0, start - NAME_CHARACTERS) : start]
        before = left[len(left.rstrip(_WORD_SET)) :]
        head = before + text[start : rest_of(text, end, column.start)]
        for cell in column.cells:
            secret = judge_cell(text, *cell, name, head)
            if secret is not None:
                self._add(*secret)

    def _at_phrase(self, start: int, end: int) -> None:
        phrase = phrase_at(
            self.text,
            end,
            start + OPENING_CHARACTERS,
            is_final=self.open_from > len(self.text),
        )
        if phrase.is_open:
            self.safe = min(self.safe, max(phrase.start, self.start))
        elif phrase.words and phrase.start >= self.start:
            score = 1.0 if has_check(phrase.words) else 0.8
            self._add(phrase.start, phrase.end, "seed_phrase", "critical", score)

    def _at_transport(self, end: int) -> None:
        match = _BEFORE_TRANSPORT.search(self.text, max(0, end - 160), end)
        if match is None or match.start(1) < self.start:
            return
        password = match[1]
        if len(password) >= 4 and not is_placeholder(password):
            self._add(*match.span(1), "url_credentials", "critical", 0.9)

    def _at_authority(self, start: int) -> None:
        match = _AUTHORITY.match(self.text, start)
        if match is None:
            self._at_token(start)
            return
        if match.start(2) < self.start:
            return
        user, password = match.groups()
        if (
            len(password) < 4
            or password == user
            or is_common(password)
            or is_placeholder(password)
        ):
            return
        self._add(*match.span(2), "url_credentials", "critical", 0.9)

    def _at_token(self, start: int) -> None:
        match = _TOKEN_AUTHORITY.match(self.text, start)
        if match is None or match.start(1) < self.start:
            return
        token = match[1]
        if is_randomlike(token, least=20) and not is_placeholder(token):
            self._add(*match.span(1), "url_credentials", "critical", 0.8)

    def _at_block(self, start: int) -> None:
        block = block_at(self.text, start, is_final=self.open_from > len(self.text))
        if block.is_open:
            self.safe = min(self.safe, start)
        elif block.end > start:
            is_key = block.end - start > _ARMOUR_CHARACTERS
            self._add(
                start, block.end, "private_key", "critical", 1.0 if is_key else 0.5
            )

    def _at_body(self, start: int) -> None:
        body = body_at(self.text, start, is_final=self.open_from > len(self.text))
        if body.is_open:
            self.safe = min(self.safe, start)
        elif body.end > start:
            self._add(start, body.end, "private_key", "critical", 1.0)

    def _at_own(self, own: OwnKeys, start: int) -> None:
        known = own.find_at(self.text, start) if start >= self.start else None
        if known is not None:
            end, type_ = known
            self._add(start, end, type_, "critical", 1.0)

    def _add(
        self, start: int, end: int, type_: str, severity: Severity, score: float
    ) -> None:
        known = self._found.get(start)
        if known is not None and (known.score, known.end) >= (score, end):
            return
        self._found[start] = Find(start, end, type_, severity, score)


def make(options: SecretsOptions, tools: DetectorTools) -> SecretsDetector:
    """
    Make a detector with a rule's options.

    Raises:
        ConfigError: A pattern in ``allowed`` is none.
    """
    rules = compiled_rules(has_names=options.names)
    try:
        allowed = (
            PatternSet(rf"^(?:{one})$" for one in options.allowed)
            if options.allowed
            else None
        )
    except PatternInvalid as exc:
        raise ConfigError([Problem(str(exc), path="allowed")]) from None
    detector = SecretsDetector(
        rules=rules,
        own=OwnKeys.of(tools, rules) if options.own else None,
        knows=tools.knows_credential if options.own else None,
        without=frozenset(options.without),
        shows_public=options.public,
        allowed=allowed,
    )
    detector.warm_up()
    return detector


SECRETS: Final = Detector(
    name="secrets",
    Options=SecretsOptions,
    make=make,
    summary="Credentials: vendors' formats, named values, private keys, the gateway's own keys.",
)
