"""
Lists that come along: short, of words that are coarse wherever they stand.

They were written for this project (Apache-2.0), one word or phrase a line.
"""

from __future__ import annotations

import functools
from importlib.resources import files
from typing import Final

__all__ = ["PRESETS", "words_of"]

PRESETS: Final = tuple(
    f"profanity.{language}" for language in ("de", "en", "es", "fr", "it", "nl", "pt")
)


@functools.cache
def words_of(preset: str) -> tuple[str, ...]:
    """
    Return the words of one of `PRESETS`.
    """
    text = (files(__name__) / f"{preset}.txt").read_text("utf-8")
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))
