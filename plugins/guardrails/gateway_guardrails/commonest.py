"""
The commonest words of English texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

__all__ = ["commonest_words"]


@cache
def commonest_words() -> Sequence[str]:
    """
    Return them, most common first, counted in text under Apache-2.0, MIT and CC0-1.0.
    """
    text = files("gateway_guardrails").joinpath("common.txt")
    return tuple(text.read_text(encoding="ascii").split())
