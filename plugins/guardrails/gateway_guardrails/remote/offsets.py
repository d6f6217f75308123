"""
Offsets into a text, in whatever a service counts.
"""

from __future__ import annotations

from typing import Final, Literal

from gateway_guardrails.remote.failures import garbage

__all__ = ["Unit", "span_of"]

#: What is counted: characters, UTF-16's units, or bytes of UTF-8.
Unit = Literal["codepoint", "utf16", "utf8"]

_ENCODINGS: Final[dict[str, tuple[str, int]]] = {
    "utf16": ("utf-16-le", 2),
    "utf8": ("utf-8", 1),
}


def span_of(text: str, start: int, end: int, unit: Unit) -> tuple[int, int]:
    """
    Return the characters of *text* that a service means.

    Raises:
        DetectorFailed: They are none of this text's.
    """
    if unit != "codepoint" and not text.isascii():
        start, end = (_characters(text, at, unit) for at in (start, end))
    if not 0 <= start < end <= len(text):
        raise garbage("offsets that are not in the text")
    return start, end


def _characters(text: str, at: int, unit: Unit) -> int:
    """
    Return how many characters *at* units are; one that is cut counts.
    """
    encoding, width = _ENCODINGS[unit]
    raw = text.encode(encoding, "surrogatepass")
    if at * width > len(raw):
        raise garbage("offsets that are not in the text")
    return len(raw[: at * width].decode(encoding, "replace"))
