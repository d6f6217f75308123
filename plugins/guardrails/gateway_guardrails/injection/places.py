"""
Where a pattern is in a text, as fast as RE2 can tell it.

Its wrapper counts the characters before every match of a str, at a nanosecond each: 62 µs for one
match in 4 KB, where the bytes take 16.  So it is given bytes, and only what was found is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from gateway_guardrails.patterns import HAS_RE2, Pattern

__all__ = ["in_characters", "places", "places_in"]


def places(pattern: Pattern, text: str, limit: int) -> Iterator[tuple[int, int]]:
    """
    Tell where *pattern* is in *text*, at most *limit* times; nowhere for a match of nothing.
    """
    raw = text.encode("utf-8", "replace")
    for start, end in places_in(pattern, text, raw, ((0, len(raw)),), limit):
        yield (start, end) if len(raw) == len(text) else in_characters(raw, start, end)


def places_in(
    pattern: Pattern,
    text: str,
    raw: bytes,
    where: Sequence[tuple[int, int]],
    limit: int,
) -> Iterator[tuple[int, int]]:
    """
    Tell where *pattern* is in some stretches of *text*, as `places` does, but in bytes.

    Args:
        raw: *text* in UTF-8.
        where: The stretches, in bytes and in order.
    """
    if HAS_RE2:
        return islice(_spans(pattern, raw, where), limit)
    if len(raw) == len(text):
        return islice(_spans(pattern, text, where), limit)
    whole = _spans(pattern, text, ((0, len(text)),)) if where else iter(())
    return (_in_bytes(text, *span) for span in islice(whole, limit))


def in_characters(raw: bytes, start: int, end: int) -> tuple[int, int]:
    """
    Return where ``raw[start:end]`` stands in the text of which it is the UTF-8.
    """
    first = len(raw[:start].decode("utf-8", "replace"))
    return first, first + len(raw[start:end].decode("utf-8", "replace"))


def _in_bytes(text: str, start: int, end: int) -> tuple[int, int]:
    first = len(text[:start].encode("utf-8", "replace"))
    return first, first + len(text[start:end].encode("utf-8", "replace"))


def _spans(
    pattern: Pattern, told: str | bytes, where: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    for first, last in where:
        for match in pattern.finditer(told, first, last):
            start, end = match.span()
            if end > start:
                yield start, end
