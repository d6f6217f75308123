"""
The characters of a text that are not ASCII, which most texts have few of.
"""

from __future__ import annotations

from typing import Final

__all__ = ["beyond_ascii"]

_ASCII: Final = bytes(range(128))


def beyond_ascii(text: str) -> set[str]:
    """
    Return the different characters of *text* that are not ASCII, lone halves of a pair among them.

    Those of ASCII are taken out as bytes, which is quicker than to ask each.
    """
    raw = text.encode("utf-8", "surrogatepass").translate(None, _ASCII)
    return set(raw.decode("utf-8", "surrogatepass"))
