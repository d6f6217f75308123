"""
The settings as a tree of nodes that know where they stand, without types yet.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from collections.abc import Sequence as AbstractSequence
from typing import Any, Final, cast

import attrs

from gateway.errors import ConfigError, Problem
from gateway.settings.problems import MAX_SHOWN, NOWHERE, Mark, join, place

MAX_DEPTH: Final = 64
MAX_FILE_BYTES: Final = 8 * 1024 * 1024
NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})

_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")


@attrs.define(eq=False)
class Node:
    """
    One value of the file.

    Attributes:
        mark: line and column, both from 1; (0, 0) where there is no file.
    """

    mark: Mark


@attrs.define(eq=False)
class Scalar(Node):
    """
    A single value, not yet of any type.

    Attributes:
        text: as written, without quotes.

        plain: written without quotes.
    """

    text: str
    plain: bool

    @property
    def is_null(self) -> bool:
        """
        Whether it says that there is nothing: empty, ``~`` or ``null``.
        """
        return self.plain and self.text in NULLS


@attrs.define(eq=False)
class Sequence(Node):
    """
    A list.
    """

    items: list[Node] = attrs.field(factory=list)


@attrs.define(eq=False)
class Table(Node):
    """
    Values by name, in the order of the file.

    Attributes:
        entries: the values.

        key_marks: where each name stands.
    """

    entries: dict[str, Node] = attrs.field(factory=dict)
    key_marks: dict[str, Mark] = attrs.field(factory=dict)


EMPTY: Final = Table(NOWHERE)


@attrs.frozen(kw_only=True)
class PluginTable:
    """
    A plugin's own settings, as they stand in the file.

    Attributes:
        name: the plugin's.

        node: its table.

        origin: the file's name, for messages.

        mark: where its name stands.
    """

    name: str
    node: Node
    origin: str = ""
    mark: Mark = NOWHERE

    def plain(self) -> Any:
        """
        Return the table as dicts, lists, texts, numbers, booleans and None.
        """
        return plain(self.node)

    @property
    def where(self) -> str:
        """
        ``file:line:column`` of its name.
        """
        return place(self.origin, self.mark)


@attrs.frozen(kw_only=True, eq=False)
class Unread:
    """
    A part of a plugin's settings whose class is known only later, as it stands in the file.

    The type of a field where what stands there chooses a class that another plugin brings.  Two
    are equal that say the same, whatever their layout.

    Attributes:
        node: what stands there.

        path: where in the settings, for messages.

        origin: the file's name, for messages.
    """

    node: Node
    path: str = ""
    origin: str = ""

    @classmethod
    def of(cls, value: Any, path: str = "") -> Unread:
        """
        Make the one that a file with *value* at *path* would give.

        Raises:
            ConfigError: it is nested too deeply, or a key is no text.
        """
        return cls(node=_node_from(value, MAX_DEPTH), path=path)

    def plain(self) -> Any:
        """
        Return it as dicts, lists, texts, numbers, booleans and None.
        """
        return plain(self.node)

    def problem(self, message: str, below: str = "") -> Problem:
        """
        Make the problem that *message* says of it.

        Args:
            below: the path from here to what it says it of, ``words[0]``.
        """
        where = place(self.origin, mark_of_path(self.node, below))
        path = ".".join(step for step in (self.path, below) if step)
        return Problem(message, path=path, where=where)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Unread):
            return NotImplemented
        return digest_of(self.node) == digest_of(other.node)

    def __hash__(self) -> int:
        return hash(digest_of(self.node))


# -- from and to Python --------------------------------------------------------


def document_from(mapping: Mapping[str, Any]) -> Table:
    """
    Make the tree that a file with the content of *mapping* would give.

    Raises:
        ConfigError: it is nested too deeply, or a key is no text.
    """
    return cast("Table", _node_from(mapping, MAX_DEPTH))


def _node_from(value: Any, depth: int) -> Node:
    if depth < 0:
        raise ConfigError(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise ConfigError("the keys of a table must be texts")
        entries = {key: _node_from(item, depth - 1) for key, item in value.items()}
        return Table(NOWHERE, entries, dict.fromkeys(entries, NOWHERE))
    if isinstance(value, (list, tuple, set, frozenset)):
        return Sequence(NOWHERE, [_node_from(item, depth - 1) for item in value])
    if value is None or isinstance(value, bool):
        text = "null" if value is None else str(value).lower()
        return Scalar(NOWHERE, text, plain=True)
    # Numbers are read from their text; all else is text, as if it stood in quotes.
    return Scalar(NOWHERE, str(value), plain=hasattr(value, "__float__"))


def plain(node: Node) -> Any:
    """
    Return *node* as dicts, lists, texts, numbers, booleans and None.

    For what no field has typed: the management API, ``diff``, free-form tables.
    """
    if isinstance(node, Table):
        return {key: plain(item) for key, item in node.entries.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    scalar = cast("Scalar", node)
    if scalar.is_null:
        return None
    return _plain_scalar(scalar.text) if scalar.plain else scalar.text


def _plain_scalar(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    number = _NUMBER.fullmatch(text)
    if number is None or len(text) > MAX_SHOWN:
        return text
    return float(text) if number[1] or "e" in text.lower() else int(text)


def digest_of(node: Node) -> str:
    """
    Return the SHA-256 of what *node* says, whatever its layout and comments.
    """
    words: list[str] = []
    _spell(node, words)
    # A word of its own for each brace, and no other word holds a NUL: YAML has none.
    return hashlib.sha256("\0".join(words).encode("utf-8", "replace")).hexdigest()


def _spell(node: Node, words: list[str]) -> None:
    if isinstance(node, Scalar):
        words.append(repr(plain(node)))  # quotes count only where they say "text"
    elif isinstance(node, Table):
        words.append("{")
        for key, below in node.entries.items():
            words.append(key)
            _spell(below, words)
        words.append("}")
    elif isinstance(node, Sequence):
        words.append("[")
        for below in node.items:
            _spell(below, words)
        words.append("]")


def follow(node: Node, steps: AbstractSequence[str | int]) -> tuple[Node, int]:
    """
    Go down from *node* as far as *steps* lead; return where, and how many were taken.
    """
    for taken, step in enumerate(steps):
        below: Node | None = None
        if isinstance(node, Table) and isinstance(step, str):
            below = node.entries.get(step)
        elif isinstance(node, Sequence) and isinstance(step, int):
            below = node.items[step] if step < len(node.items) else None
        if below is None:
            return node, taken
        node = below
    return node, len(steps)


def mark_of_path(node: Node, path: str, here: str = "") -> Mark:
    """
    Return where the name or item at *path* stands, or the nearest mark above it.
    """
    steps: list[tuple[str | int, Node]] = []
    if isinstance(node, Table):
        steps = list(node.entries.items())
    elif isinstance(node, Sequence):
        steps = list(enumerate(node.items))
    for step, below in steps:
        there = join(here, step)
        if path == there:
            return node.key_marks[str(step)] if isinstance(node, Table) else below.mark
        if path.startswith((f"{there}.", f"{there}[")):
            return mark_of_path(below, path, there)
    return node.mark
