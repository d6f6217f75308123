"""
Names of models with a star in them.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache


def matches_any(patterns: Collection[str], *names: str) -> bool:
    """
    Tell whether one of *names* is one of *patterns*, each of which may have one star.
    """
    if not patterns:
        return False
    return any(
        name in patterns or any(matches(pattern, name) for pattern in patterns)
        for name in names
        if name
    )


def matches(pattern: str, name: str) -> bool:
    """
    Tell whether *name* is *pattern*, whose star stands for any text.
    """
    before, star, after = _parts(pattern)
    if not star:
        return pattern == name
    return (
        len(name) >= len(before) + len(after)
        and name.startswith(before)
        and name.endswith(after)
    )


@lru_cache(maxsize=1024)
def _parts(pattern: str) -> tuple[str, str, str]:
    return pattern.partition("*")
