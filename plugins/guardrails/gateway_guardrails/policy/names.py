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
    for name in names:
        if name in patterns:
            return bool(name)
    for pattern in patterns:
        if "*" in pattern:
            for name in names:
                if name and matches(pattern, name):
                    return True
    return False


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
