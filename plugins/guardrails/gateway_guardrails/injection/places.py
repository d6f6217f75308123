"""
Where a pattern is in a text, as fast as RE2 can tell it.

Its wrapper counts the characters before every match of a str, at a nanosecond each: 62 µs for one
match in 4 KB, where the bytes take 16.  So it is given bytes, and only what was found is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import cast

from gateway_guardrails.patterns import HAS_RE2, Pattern

__all__ = ["places"]


def places(
    pattern: Pattern, text: str, limit: int, raw: bytes | None = None
) -> Iterator[tuple[int, int]]:
    """
    Tell where *pattern* is in *text*, at most *limit* times; nowhere for a match of nothing.

    Args:
        raw: *text* in UTF-8, for who has it.
    """
    if not HAS_RE2:
        for match in islice(pattern.finditer(text), limit):
            if match.end() > match.start():
                yield match.span()
        return
    if raw is None:
        raw = text.encode("utf-8", "replace")
    is_same = len(raw) == len(text)
    for match in islice(pattern.finditer(cast("str", raw)), limit):
        start, end = match.span()
        if end > start:
            yield (start, end) if is_same else _counted(raw, start, end)


def _counted(raw: bytes, start: int, end: int) -> tuple[int, int]:
    first = len(raw[:start].decode("utf-8", "replace"))
    return first, first + len(raw[start:end].decode("utf-8", "replace"))
