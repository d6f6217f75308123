r"""
Reads the patterns of the tables, as far as those use RE2's syntax.

Only so that `gateway_guardrails.injection.parts` can tell what a text must have for a pattern to
be found in it; what matches, and where, RE2 says.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Final

import attrs

__all__ = ["BOUNDARY", "One", "Boundary", "Choice", "Node", "Repeat", "Row", "read"]

#: How wide a word is taken to be, and what has no bound.
WORD_WIDTH: Final = 12
OPEN_WIDTH: Final = 1000

_WORD_CHARACTERS: Final = frozenset(string.ascii_letters + string.digits + "_")
_NOT_WORD: Final = frozenset(map(chr, range(128))) - _WORD_CHARACTERS
_CLASSES: Final = {
    "w": _WORD_CHARACTERS,
    "d": frozenset(string.digits),
    "s": frozenset(" \t\n\r\f\v"),
}
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r"}


@attrs.frozen
class Boundary:
    r"""
    ``\b``.
    """


BOUNDARY: Final = Boundary()


@attrs.frozen
class One:
    """
    One character: one of *characters*, or any of more than are told apart.
    """

    characters: frozenset[str] | None
    is_word: bool = False


@attrs.frozen
class Row:
    """
    One part after another.
    """

    parts: Sequence[Node]


@attrs.frozen
class Choice:
    """
    One of several.
    """

    options: Sequence[Node]


@attrs.frozen
class Repeat:
    """
    A part, *least* to *most* times; None for no bound.
    """

    part: Node
    least: int
    most: int | None


Node = Boundary | One | Row | Choice | Repeat


def read(pattern: str) -> Node:
    """
    Read *pattern*.

    Raises:
        ValueError: It uses what the tables need not.
    """
    reader = _Reader(pattern)
    node = reader.choice()
    if reader.at != len(pattern):
        msg = f"not understood from {reader.at} on: {pattern[reader.at :][:40]!r}"
        raise ValueError(msg)
    return node


@attrs.define
class _Reader:
    text: str
    at: int = 0

    def choice(self) -> Node:
        options = [self._row()]
        while self._takes("|"):
            options.append(self._row())
        return options[0] if len(options) == 1 else Choice(options)

    def _row(self) -> Node:
        parts: list[Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            part = self._repeated(self._one())
            parts.append(part)
        return parts[0] if len(parts) == 1 else Row(parts)

    def _takes(self, told: str) -> bool:
        if self.text.startswith(told, self.at):
            self.at += len(told)
            return True
        return False

    def _next(self) -> str:
        one = self.text[self.at]
        self.at += 1
        return one

    def _one(self) -> Node:
        one = self._next()
        if one == "(":
            if not (self._takes("?:") or self._takes("?-i:")):
                raise ValueError("a group is written (?:...)")
            node = self.choice()
            if not self._takes(")"):
                raise ValueError("a group is not closed")
            return node
        if one == "[":
            return self._class()
        if one == "\\":
            return self._escaped()
        if one in "^$":
            return Row(())
        if one == ".":
            return One(None)
        return One(frozenset(one))

    def _escaped(self) -> Node:
        one = self._next()
        if one == "b":
            return BOUNDARY
        if one in "WSD":
            return One(_NOT_WORD if one == "W" else None, is_word=one == "S")
        if one in _CLASSES:
            return One(_CLASSES[one], is_word=one == "w")
        return One(frozenset(self._literal(one)))

    def _literal(self, one: str) -> str:
        if one == "x":
            self.at += 2
            return chr(int(self.text[self.at - 2 : self.at], 16))
        if one.isalnum() and one not in _ESCAPED:
            msg = f"\\{one} is not understood"
            raise ValueError(msg)
        return _ESCAPED.get(one, one)

    def _class(self) -> Node:
        is_without = self._takes("^")
        members: set[str] = set()
        is_word = False
        first = self.at
        while self.text[self.at] != "]" or self.at == first:
            one = self._next()
            if one == "\\":
                one = self._next()
                if one in "wds":
                    members |= _CLASSES[one]
                    is_word = is_word or one == "w"
                    continue
                one = self._literal(one)
            if self.text[self.at] == "-" and self.text[self.at + 1] != "]":
                self.at += 1
                last = self._next()
                members.update(map(chr, range(ord(one), ord(last) + 1)))
            else:
                members.add(one)
        self.at += 1
        return One(None) if is_without else One(frozenset(members), is_word=is_word)

    def _repeated(self, node: Node) -> Node:
        while self.at < len(self.text):
            bounds = self._bounds()
            if bounds is None:
                break
            self._takes("?")  # lazy: the same texts
            node = Repeat(node, *bounds)
        return node

    def _bounds(self) -> tuple[int, int | None] | None:
        if self._takes("?"):
            return 0, 1
        if self._takes("*"):
            return 0, None
        if self._takes("+"):
            return 1, None
        if not self._takes("{"):
            return None
        end = self.text.index("}", self.at)
        least, comma, most = self.text[self.at : end].partition(",")
        self.at = end + 1
        if not comma:
            return int(least), int(least)
        return int(least or 0), int(most) if most else None
