"""
What the detector looks with, compiled once a process, when it is first needed.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from gateway_guardrails.literals import Literals
from gateway_guardrails.patterns import Pattern, PatternSet, compile_pattern
from gateway_guardrails.secrets.blocks import BEGIN, FIRST_LINES
from gateway_guardrails.secrets.formats import (
    Format,
    NamedFormat,
    all_formats,
    all_named_formats,
)
from gateway_guardrails.secrets.names import NAMES, Name

__all__ = ["Marks", "RunFormats", "Rules", "compiled_rules"]

SCHEME_END: Final = "://"
_HEADS: Final = frozenset({"password", "secret", "token", "key"})
#: Behind the password of a data source's name, as Go's MySQL driver writes it: user:...@tcp(host).
TRANSPORTS: Final = ("@tcp(", "@unix(")


@attrs.frozen
class Marks:
    """
    What one literal may announce.

    Attributes:
        formats: Formats that have it, each with its pattern, the more special ones first.
        name: The name that it is.
        in_runs: It marks a format whose credentials take the run that it stands in.
        is_block: A key in armour may begin with it.
        is_first_line: The lines of a key may begin behind it.
        is_scheme: A URL's authority begins behind it.
        is_transport: A user and a password may stand before it.
        is_head: It is a name that may be the head of a column.
    """

    literal: str
    formats: tuple[tuple[Format, re.Pattern[str]], ...] = ()
    name: Name | None = None
    in_runs: bool = False
    is_block: bool = attrs.field(init=False)
    is_first_line: bool = attrs.field(init=False)
    is_scheme: bool = attrs.field(init=False)
    is_transport: bool = attrs.field(init=False)
    is_head: bool = attrs.field(init=False)

    # Asked at each place in each text, so told once.
    @is_block.default
    def _is_block(self) -> bool:
        return self.literal == BEGIN

    @is_first_line.default
    def _is_first_line(self) -> bool:
        return self.literal in FIRST_LINES

    @is_scheme.default
    def _is_scheme(self) -> bool:
        return self.literal == SCHEME_END

    @is_transport.default
    def _is_transport(self) -> bool:
        return self.literal in TRANSPORTS

    @is_head.default
    def _is_head(self) -> bool:
        return self.name is not None and self.name.kind in _HEADS


@attrs.frozen
class RunFormats:
    """
    Formats that are looked for in a run of characters without a gap, as a whole.
    """

    formats: tuple[Format, ...]
    patterns: tuple[Pattern, ...]
    gate: PatternSet


@attrs.frozen
class Rules:
    """
    All of it: what each literal announces, and the formats that runs are looked through for.
    """

    marks: tuple[Marks, ...]
    runs: RunFormats
    literals: Literals

    def with_literals(self, more: Iterable[str]) -> Literals:
        """
        Return an automaton that knows *more* as well, numbered behind those of `marks`.
        """
        known = [mark.literal for mark in self.marks]
        return Literals([*known, *more], ignores_case=True)


@functools.cache
def compiled_rules(*, has_names: bool = True) -> Rules:
    """
    Compile the formats; `has_names` leaves out what only a name gives away if it is false.
    """
    formats = all_formats()
    names = _names() if has_names else {}
    local = _by_literal(one for one in formats if one.is_local)
    longer = {literal for one in formats if not one.is_local for literal in one.has}
    literals = [
        *dict.fromkeys(
            [*local, *longer, *names, BEGIN, *FIRST_LINES, SCHEME_END, *TRANSPORTS]
        )
    ]
    marks = tuple(
        Marks(
            literal,
            tuple(
                (one, re.compile(one.pattern, re.ASCII))
                for one in local.get(literal, ())
            ),
            names.get(literal),
            literal in longer,
        )
        for literal in literals
    )
    rows = tuple(one for one in formats if not one.is_local)
    patterns = [
        rf"(?:^|[^A-Za-z0-9_]|%[0-9A-Fa-f]{{2}})({one.pattern})" for one in rows
    ]
    runs = RunFormats(
        rows, tuple(compile_pattern(one) for one in patterns), PatternSet(patterns)
    )
    return Rules(marks, runs, Literals(literals, ignores_case=True))


def _by_literal(formats: Iterable[Format]) -> Mapping[str, list[Format]]:
    found: dict[str, list[Format]] = {}
    for one in formats:
        for literal in one.has:
            found.setdefault(literal, []).append(one)
    return found


def _names() -> Mapping[str, Name]:
    by_word: dict[str, list[NamedFormat]] = {}
    for row in all_named_formats():
        by_word.setdefault(row.word, []).append(row)
    vendors = [
        Name(word, "vendor", tuple((row, compile_pattern(row.value)) for row in rows))
        for word, rows in by_word.items()
    ]
    return {name.literal: name for name in (*NAMES, *vendors)}
