"""
What a rule may say of personal data: which kinds, which patterns of its own, what never counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

from gateway.detecting import Severity
from gateway.errors import ConfigError, Problem
from gateway_guardrails.patterns import Pattern, PatternInvalid, compile_pattern
from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.kinds import KINDS

__all__ = ["CustomPattern", "PiiOptions", "Selection", "choices", "select"]

_MOST_CUSTOM: Final = 100
_MOST_ALLOWED: Final = 10_000
#: How long a match of a customer's pattern may be at most: that much of a stream may have to wait.
MOST_LONGEST: Final = 256


@attrs.frozen(kw_only=True)
class CustomPattern:
    """
    A kind of a customer's own.
    """

    pattern: str = attrs.field(metadata={"help": "A pattern in RE2's syntax."})
    words: tuple[str, ...] = attrs.field(
        default=(),
        metadata={
            "help": "Words one of which must stand beside it; none if it acts alone."
        },
    )
    severity: Severity = attrs.field(
        default="medium", metadata={"help": "How grave a find is."}
    )
    longest: int = attrs.field(
        default=64,
        metadata={
            "help": "Characters that a match may have; so many may be held back."
        },
    )


@attrs.frozen(kw_only=True)
class PiiOptions:
    """
    What the table of the detector ``pii`` says.
    """

    types: tuple[str, ...] = attrs.field(
        default=("default",),
        metadata={
            "help": "Types, or groups of them: default, all, tier_a to tier_c and tier_n,"
            " finance, health, …, and countries: us, uk, de, …"
        },
    )
    exclude: tuple[str, ...] = attrs.field(
        default=(), metadata={"help": "Types or groups that are not looked for."}
    )
    custom: Mapping[str, str | CustomPattern] = attrs.field(
        factory=dict,
        metadata={
            "help": "Patterns of your own in RE2's syntax, by the type of their finds."
        },
    )
    allow: tuple[str, ...] = attrs.field(
        default=(), metadata={"help": "Values that are never findings."}
    )
    allow_patterns: tuple[str, ...] = attrs.field(
        default=(),
        metadata={
            "help": "Patterns in RE2's syntax; what they match whole is no finding."
        },
    )
    ignore_documentation: bool = attrs.field(
        default=False,
        metadata={
            "help": "Whether addresses reserved for documentation are no findings:"
            " example.com, 192.0.2.0/24, 2001:db8::/32, …"
        },
    )
    ignore_private: bool = attrs.field(
        default=False,
        metadata={"help": "Whether addresses of private networks are no findings."},
    )


@attrs.frozen(kw_only=True)
class Selection:
    """
    What options say, checked and compiled.

    Attributes:
        kinds: What is looked for; those of the customer stand last.
        patterns: The customer's patterns, by the number of their kind, and how long a match is
            at most.
    """

    kinds: Sequence[Kind]
    patterns: Mapping[int, tuple[Pattern, int]]
    allowed: frozenset[str]
    allow_patterns: Sequence[Pattern]
    ignore_documentation: bool
    ignore_private: bool


def choices(kind: Kind) -> frozenset[str]:
    """
    Return the words by which *kind* can be switched.
    """
    words = {"all", kind.name.lower(), f"tier_{kind.tier.lower()}", kind.group}
    if kind.region:
        words.add(kind.region.lower())
    if kind.is_default:
        words.add("default")
    return frozenset(words)


def select(options: PiiOptions) -> Selection:
    """
    Check *options*, and compile what they hold.

    Raises:
        ConfigError: They name what there is not, or hold what is no pattern; says all of it.
    """
    problems: list[Problem] = []
    wanted = _words(options.types, "types", problems)
    unwanted = _words(options.exclude, "exclude", problems)
    kinds = [
        kind
        for kind in KINDS
        if choices(kind) & wanted and not choices(kind) & unwanted
    ]
    patterns = {}
    for kind, pattern, longest in _customs(options.custom, problems):
        patterns[len(kinds)] = pattern, longest
        kinds.append(kind)
    if len(options.allow) + len(options.allow_patterns) > _MOST_ALLOWED:
        problems.append(
            Problem(f"at most {_MOST_ALLOWED} may be allowed", path="allow")
        )
    allow_patterns = [
        compiled
        for at, text in enumerate(options.allow_patterns)
        if (compiled := _compiled(text, f"allow_patterns[{at}]", problems)) is not None
    ]
    if not kinds and not problems:
        problems.append(Problem("nothing is left to look for", path="types"))
    if problems:
        raise ConfigError(problems)
    return Selection(
        kinds=tuple(kinds),
        patterns=patterns,
        allowed=frozenset(options.allow),
        allow_patterns=allow_patterns,
        ignore_documentation=options.ignore_documentation,
        ignore_private=options.ignore_private,
    )


def _words(words: Iterable[str], path: str, problems: list[Problem]) -> frozenset[str]:
    known = frozenset[str]().union(*map(choices, KINDS))
    out = []
    for at, word in enumerate(words):
        lowered = word.lower()
        out.append(lowered)
        if lowered not in known:
            msg = f"{word!r} is no type and no group of types; see PII.md for both"
            problems.append(Problem(msg, path=f"{path}[{at}]"))
    return frozenset(out)


def _customs(
    customs: Mapping[str, str | CustomPattern], problems: list[Problem]
) -> Iterable[tuple[Kind, Pattern, int]]:
    if len(customs) > _MOST_CUSTOM:
        problems.append(Problem(f"at most {_MOST_CUSTOM} patterns", path="custom"))
        return
    taken = {kind.name for kind in KINDS}
    for name, told in customs.items():
        path = f"custom.{name}"
        custom = CustomPattern(pattern=told) if isinstance(told, str) else told
        if name in taken or not name.replace("_", "").isalnum() or not name.isascii():
            msg = "a name has letters, digits and underscores, and is none of PII.md's"
            problems.append(Problem(msg, path=path))
            continue
        if not 1 <= custom.longest <= MOST_LONGEST:
            msg = f"a match has 1 to {MOST_LONGEST} characters"
            problems.append(Problem(msg, path=f"{path}.longest"))
            continue
        pattern = _compiled(custom.pattern, f"{path}.pattern", problems)
        if pattern is None:
            continue
        if pattern.fullmatch("") is not None:
            problems.append(Problem("the pattern matches nothing at all", path=path))
            continue
        yield _kind_of(name, custom), pattern, custom.longest


def _compiled(text: str, path: str, problems: list[Problem]) -> Pattern | None:
    try:
        return compile_pattern(text)
    except PatternInvalid as exc:
        problems.append(Problem(str(exc), path=path))
        return None


def _kind_of(name: str, custom: CustomPattern) -> Kind:
    return Kind(
        name=name,
        tier="C" if custom.words else "A",
        group="custom",
        family="custom",
        severity=custom.severity,
        words=",".join(custom.words),
        odds=100,
        source="a rule",
        example="",
        counter="",
    )
