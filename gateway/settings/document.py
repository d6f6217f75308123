"""
The settings file as a tree of nodes that know where they stand.

PyYAML's C parser gives events; the tree is built here, because what YAML leaves
open is decided here: scalars stay text until a field says what they are, a key
stands once, nesting and aliases are bounded, one file is one document.

Events instead of ``yaml.compose()``: its C code recurses, so that a file of
brackets ends the process by SIGSEGV, and it takes twice as long.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NoReturn, cast

import attrs
import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from gateway.errors import ConfigError, Problem
from gateway.settings.nodes import (
    MAX_DEPTH,
    MAX_FILE_BYTES,
    Node,
    Scalar,
    Sequence,
    Table,
)
from gateway.settings.problems import NOWHERE, Mark, Problems, join

# Counted with every alias written out, so that a few lines cannot become millions.
MAX_NODES: Final = 2_000_000

_LOADER: Final = getattr(yaml, "CLoader", yaml.Loader)
_TOO_DEEP: Final = f"nested deeper than {MAX_DEPTH} levels"
# What libyaml from 0.2.6 on says of 1000 brackets.  It reads 1024 characters ahead for the end
# of what might be a key, and so can meet them before the event of the 65th is taken here.
_SCANNER_TOO_DEEP: Final = "exceeded maximum nesting depth"


def read_document(raw: bytes, problems: Problems) -> Table:
    """
    Parse the bytes of a settings file.

    Duplicate keys and the like are noted in *problems*, and reading goes on.

    Raises:
        ConfigError: nothing can be made of *raw*; with what was noted before.
    """
    if len(raw) > MAX_FILE_BYTES:
        message = f"larger than {MAX_FILE_BYTES // 1024 // 1024} MiB"
        raise ConfigError(Problem(message, where=problems.origin))
    builder = _Builder(problems)
    try:
        with _collection_paused():
            for event in yaml.parse(raw, Loader=_LOADER):
                builder.take(event)
    except yaml.MarkedYAMLError as exc:
        is_deep = exc.problem == _SCANNER_TOO_DEEP
        message = _TOO_DEEP if is_deep else f"not YAML: {exc.problem}"
        problems.add(_mark_of(exc.problem_mark), "", message)
        raise problems.error() from None
    except yaml.reader.ReaderError as exc:
        problems.add(_mark_at(raw, exc.position), "", f"not YAML: {exc.reason}")
        raise problems.error() from None
    except _Stop:
        raise problems.error() from None
    return builder.root()


@contextmanager
def _collection_paused() -> Iterator[None]:
    """
    Build many objects that all stay, without the collector looking for dead ones.

    With 10,000 virtual keys it would double the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _mark_of(mark: Any) -> Mark:
    return (mark.line + 1, mark.column + 1) if mark else NOWHERE


def _mark_at(raw: bytes, position: int) -> Mark:
    before = raw[: max(position, 0)]
    return (before.count(b"\n") + 1, len(before) - before.rfind(b"\n"))


class _Stop(Exception):
    """
    What follows cannot be read.
    """


@attrs.define(eq=False)
class _Frame:
    """
    A table or list that is still open.

    Attributes:
        key: in a table, the name whose value comes next.

        size: nodes in it so far, with aliases written out.

        height: levels below it so far.
    """

    node: Table | Sequence
    anchor: str | None
    key: str | None = None
    size: int = 1
    height: int = 0


@attrs.frozen
class _Anchored:
    """
    A node that aliases may repeat.
    """

    node: Node
    size: int
    height: int


@attrs.define(eq=False)
class _Builder:
    """
    Builds the tree from events, without recursion.
    """

    problems: Problems
    documents: int = 0
    top: Node | None = None
    frames: list[_Frame] = attrs.field(factory=list)
    anchors: dict[str, _Anchored] = attrs.field(factory=dict)

    def root(self) -> Table:
        """
        Return the document; an empty file is an empty table.
        """
        if isinstance(self.top, Table):
            return self.top
        if self.top is None or (isinstance(self.top, Scalar) and self.top.is_null):
            return Table((1, 1))
        self.problems.add(self.top.mark, "", "must be a table, key: value")
        raise self.problems.error()

    def take(self, event: Event) -> None:
        """
        Take the next event.
        """
        kind = type(event)  # the commonest first; isinstance() is slower here
        if kind is ScalarEvent:
            self._scalar(cast("ScalarEvent", event))
        elif kind is MappingStartEvent:
            self._open(
                cast("MappingStartEvent", event), Table(_mark_of(event.start_mark))
            )
        elif kind is SequenceStartEvent:
            start = cast("SequenceStartEvent", event)
            self._open(start, Sequence(_mark_of(event.start_mark)))
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            self._close()
        elif kind is AliasEvent:
            self._alias(cast("AliasEvent", event))
        elif kind is DocumentStartEvent:
            self.documents += 1
            if self.documents > 1:
                self._stop(event, "a second document: one file holds one")

    def _scalar(self, event: ScalarEvent) -> None:
        mark = _mark_of(event.start_mark)
        if event.tag is not None:
            self._note_tag(event)
        if self._wants_key():
            self._key(self.frames[-1], event.value, mark)
            return
        node = Scalar(mark, event.value, plain=not event.style)
        if event.anchor:
            self.anchors[event.anchor] = _Anchored(node, 1, 0)
        self._place(event, node, 1, 0)

    def _key(self, frame: _Frame, key: str, mark: Mark) -> None:
        frame.key = key
        first = cast("Table", frame.node).key_marks.setdefault(key, mark)
        if first is not mark:
            message = f"stands twice, first in line {first[0]}"
            self.problems.add(mark, self._path(), message)

    def _open(
        self, event: MappingStartEvent | SequenceStartEvent, node: Table | Sequence
    ) -> None:
        if event.tag is not None:
            self._note_tag(event)
        if self._wants_key():
            self._stop(event, "a key must be a single word or text")
        self._check_depth(event, 1)
        self.frames.append(_Frame(node, event.anchor))

    def _close(self) -> None:
        frame = self.frames[-1]
        if isinstance(frame.node, Table) and "<<" in frame.node.entries:
            self._merge(frame.node)
        self.frames.pop()
        if frame.anchor:
            anchored = _Anchored(frame.node, frame.size, frame.height)
            self.anchors[frame.anchor] = anchored
        self._place(frame.node, frame.node, frame.size, frame.height)

    def _alias(self, event: AliasEvent) -> None:
        # An anchor is known once its node is closed, so none can hold itself.
        anchored = self.anchors.get(event.anchor or "")
        if anchored is None:
            self._stop(event, "an alias of nothing that stands before it")
        if self._wants_key():
            self._stop(event, "a key must be a single word or text")
        self._check_depth(event, anchored.height)
        self._place(event, anchored.node, anchored.size, anchored.height)

    def _place(self, at: Event | Node, node: Node, size: int, height: int) -> None:
        if not self.frames:
            self.top = node
            return
        frame = self.frames[-1]
        frame.size += size
        frame.height = max(frame.height, height + 1)
        if frame.size > MAX_NODES:
            self._stop(at, f"more than {MAX_NODES} values, aliases included")
        if isinstance(frame.node, Table):
            # Of a key that stands twice the first stays; the second is a problem.
            frame.node.entries.setdefault(cast("str", frame.key), node)
            frame.key = None
        else:
            frame.node.items.append(node)

    def _merge(self, table: Table) -> None:
        """
        Fill *table* from the tables under ``<<``; what it says itself comes first.
        """
        source = table.entries.pop("<<")
        mark = table.key_marks.pop("<<")
        for merged in source.items if isinstance(source, Sequence) else [source]:
            if not isinstance(merged, Table):
                self.problems.add(mark, join(self._path(), "<<"), "takes tables only")
                continue
            for key, node in merged.entries.items():
                if key not in table.entries:
                    table.entries[key] = node
                    table.key_marks[key] = merged.key_marks[key]

    def _wants_key(self) -> bool:
        if not self.frames:
            return False
        frame = self.frames[-1]
        return frame.key is None and isinstance(frame.node, Table)

    def _check_depth(self, event: Event, levels: int) -> None:
        if len(self.frames) + levels > MAX_DEPTH:
            self._stop(event, _TOO_DEEP)

    def _note_tag(
        self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent
    ) -> None:
        if event.tag != "!":  # which only says that the type is not to be guessed
            mark = _mark_of(event.start_mark)
            self.problems.add(mark, self._path(), "a tag (!...): there are none here")

    def _path(self) -> str:
        path = ""
        for frame in self.frames:
            if isinstance(frame.node, Sequence):
                path = join(path, len(frame.node.items))
            elif frame.key is not None:
                path = join(path, frame.key)
        return path

    def _stop(self, at: Event | Node, message: str) -> NoReturn:
        mark = at.mark if isinstance(at, Node) else _mark_of(at.start_mark)
        self.problems.add(mark, self._path(), message)
        raise _Stop
