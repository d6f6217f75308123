"""
What somebody may have meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], *, most: int = 1) -> list[str]:
    """
    List up to *most* of the *known* words that *word* may be a slip for, the nearest first.
    """
    # At the first mistake: most gateways never need it.
    from difflib import get_close_matches

    return get_close_matches(word, known, n=most)
