"""
The detector of what may not be in a text, part by part, so that a stream can go on.

Patterns and code are looked for line by line: with them, the line that is being written waits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import attrs

from gateway.detecting import Detector, DetectorTools, Find, Place, Severity
from gateway.errors import ConfigError, Problem
from gateway.settings.problems import path_of
from gateway_guardrails.patterns import (
    Pattern,
    PatternInvalid,
    PatternSet,
    compile_pattern,
)
from gateway_guardrails.shape.code import is_code
from gateway_guardrails.shape.invisible import invisible_from, invisibles
from gateway_guardrails.shape.urls import is_of, links, links_from

__all__ = ["SHAPE", "ShapeDetector", "ShapeOptions"]

#: A line that goes on for longer is cut there.
LINE_CHARACTERS: Final = 2048

Links = Literal["any", "listed", "none"]


@attrs.frozen(kw_only=True)
class ShapeOptions:
    """
    What a rule may say about parts of a text.
    """

    must_not: Mapping[str, str] = attrs.field(
        factory=dict,
        metadata={
            "help": "Patterns (RE2) that no line may have, by what a find is called."
        },
    )
    links: Links = attrs.field(
        default="any",
        metadata={"help": "Links that are fine: any, listed (those of hosts), none."},
    )
    hosts: tuple[str, ...] = attrs.field(
        default=(),
        metadata={"help": "Hosts whose links are fine, with all below them."},
    )
    code: bool = attrs.field(default=True, metadata={"help": "Whether code is fine."})
    invisible: bool = attrs.field(
        default=False,
        metadata={"help": "Whether characters that nobody sees are fine."},
    )
    operations: tuple[str, ...] = attrs.field(
        default=(),
        metadata={
            "help": "Operations that a request may ask for: generate, complete, embed,"
            " count_tokens; left out: any."
        },
    )
    dialects: tuple[str, ...] = attrs.field(
        default=(),
        metadata={
            "help": "Dialects that a request may be in, as openai_chat; left out: any."
        },
    )
    severity: Severity = attrs.field(
        default="medium", metadata={"help": "How much each of them matters."}
    )


@attrs.frozen
class ShapeDetector:
    """
    Finds parts that may not be there.
    """

    patterns: tuple[tuple[str, Pattern], ...] = attrs.field(repr=False)
    gate: PatternSet | None = attrs.field(repr=False)
    hosts: frozenset[str] | None
    finds_code: bool
    finds_invisible: bool
    severity: Severity
    operations: frozenset[str] = frozenset()
    dialects: frozenset[str] = frozenset()
    context: int = 1

    def find(
        self, text: str, start: int, *, final: bool, place: Place
    ) -> tuple[Sequence[Find], int]:
        """
        Find them; see `gateway.detecting.TextDetector.find`.
        """
        safe = len(text) if final else self._open_from(text, start)
        if safe <= start:
            return (), safe
        found: list[Find] = []
        if self.finds_invisible and not text.isascii():
            found += self._named("invisible_characters", invisibles(text[:safe], start))
        if self.hosts is not None:
            found += self._named("link", self._links(text, start, safe))
        if self.patterns or self.finds_code:
            found += self._in_lines(text, start, safe)
        return sorted(found), safe

    def find_in_request(self, operation: str, dialect: str) -> Sequence[Find]:
        """
        Find what a request may not be; see `gateway_guardrails.request_types`.
        """
        found = []
        if self.operations and operation not in self.operations:
            found.append(Find(0, 0, "operation", self.severity))
        if self.dialects and dialect not in self.dialects:
            found.append(Find(0, 0, "dialect", self.severity))
        return found

    def _open_from(self, text: str, start: int) -> int:
        at = len(text)
        if self.finds_invisible:
            at = min(at, invisible_from(text, start))
        if self.hosts is not None:
            at = min(at, links_from(text, start))
        if self.patterns or self.finds_code:
            at = min(at, _line_from(text, start))
        return at

    def _named(self, name: str, spans: Iterator[tuple[int, int]]) -> Iterator[Find]:
        return (Find(begin, end, name, self.severity) for begin, end in spans)

    def _links(self, text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
        hosts = self.hosts or frozenset()
        for link in links(text, start, end):
            if not is_of(link.host, hosts):
                yield link.start, link.end

    def _in_lines(self, text: str, start: int, end: int) -> Iterator[Find]:
        patterns = self.patterns
        if self.gate is not None and not self.gate.hits(text[start:end]):
            patterns = ()
        if not patterns and not self.finds_code:
            return
        for begin, stop in _lines(text, start, end):
            line = text[begin:stop]
            if self.finds_code and is_code(line):
                yield Find(begin, stop, "code", self.severity)
            for name, pattern in patterns:
                for match in pattern.finditer(line):
                    if match.end() > match.start():
                        yield Find(
                            begin + match.start(),
                            begin + match.end(),
                            name,
                            self.severity,
                        )


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    at = start
    while at < end:
        stop = text.find("\n", at, min(end, at + LINE_CHARACTERS))
        cut = min(end, at + LINE_CHARACTERS) if stop < 0 else stop
        if cut > at:
            yield at, cut
        at = cut + 1 if stop >= 0 else cut


def _line_from(text: str, start: int) -> int:
    """
    Return where the line begins that is being written; of a long one, what is left of it.
    """
    begin = max(start, text.rfind("\n", start) + 1)
    return begin + (len(text) - begin) // LINE_CHARACTERS * LINE_CHARACTERS


def make(options: ShapeOptions, tools: DetectorTools) -> ShapeDetector:
    """
    Make a detector with a rule's options.

    Raises:
        ConfigError: Patterns are none.
    """
    problems: list[Problem] = []
    patterns = compiled("must_not", options.must_not, problems)
    if problems:
        raise ConfigError(problems)
    has_anchor = any(
        sign in told.replace("[^", "")
        for told in options.must_not.values()
        for sign in ("^", "$", r"\A", r"\z", r"\Z")
    )
    listed = {"any": None, "none": frozenset[str]()}.get(
        options.links, frozenset(host.lower().strip(".") for host in options.hosts)
    )
    return ShapeDetector(
        patterns=patterns,
        gate=PatternSet(options.must_not.values())
        if patterns and not has_anchor
        else None,
        hosts=listed,
        finds_code=not options.code,
        finds_invisible=not options.invisible,
        severity=options.severity,
        operations=frozenset(options.operations),
        dialects=frozenset(options.dialects),
    )


def compiled(
    option: str, told: Mapping[str, str], problems: list[Problem]
) -> tuple[tuple[str, Pattern], ...]:
    """
    Compile an operator's patterns by their names.

    Args:
        option: Which has them.
        problems: Is added to for each that is none.
    """
    patterns = []
    for name, text in told.items():
        try:
            patterns.append((name, compile_pattern(text)))
        except PatternInvalid as exc:
            problems.append(Problem(str(exc), path=path_of((option, name))))
    return tuple(patterns)


SHAPE: Final = Detector(
    name="shape",
    Options=ShapeOptions,
    make=make,
    summary="What may not be in a text: patterns, links, code, characters that nobody sees.",
)
