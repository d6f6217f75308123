"""
Tables in texts: heads, and the values that stand in the columns below them.

Files of comma, semicolon, tab or bar separated values, tables of Markdown, and SQL's ``INSERT``.
What is a head hangs on its own line and the one above it, which is no row of the same kind; the
rows are undecided until the table ends, or until `MOST_CHARACTERS` of it were seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from gateway_guardrails.crowds import Crowd

__all__ = [
    "CONTEXT_CHARACTERS",
    "HEAD_CHARACTERS",
    "MOST_CHARACTERS",
    "Cell",
    "Column",
    "Table",
    "column_at",
    "crowd_of_heads",
    "may_be_head",
    "tables_in",
]

#: A head is one line, of no more than that.
HEAD_CHARACTERS: Final = 300
#: Of heads that stand so close, only so many are looked at: a text of nothing else takes long.
CROWD_CHARACTERS: Final = 96
CROWD: Final = 2
#: How far left of the first row that may hang on something: its head, those that crowd that, and
#: the line above the first of them.
CONTEXT_CHARACTERS: Final = 2 * HEAD_CHARACTERS + CROWD_CHARACTERS + 16
#: Characters of rows that are looked at.
MOST_CHARACTERS: Final = 4096

_DELIMITERS: Final = ",;\t|"
#: Tells what may follow a name within its cell, so that the rest is asked of few.
may_be_head: Final = re.compile(
    r"""[A-Za-z0-9_]{0,16}+(?:[ ][A-Za-z0-9_]{1,12}+)?["'`*]{0,2}+[ \t]{0,16}+[,;|\t\r\n)]"""
).match
_HEAD_CELL: Final = re.compile(
    r"""[ "'`*]{0,4}[\w#][\w #./?-]{0,32}["'`*]{0,2}[ ]{0,16}"""
)
# A line that may be a head, so that few are taken apart; behind , and ; no blank, as in sentences.
_HEAD: Final = re.compile(
    r"""[ ]{0,8}\|?(?:[ "'`*]{0,4}[\w#][\w #./?-]{0,40}+["'`*]{0,2}[ ]{0,16}"""
    r"""(?:[\t|]|[,;](?![ \n]))){1,40}+[^,;\t|\n]{0,48}"""
)
#: What no head is without.
_DELIMITER: Final = re.compile(r"[,;\t|](?:(?<=[\t|])|(?![ \n]))")
#: What sentences and lines of programs end with, and no head.
_NO_HEAD_ENDS: Final = frozenset(".,;:!)}]>({[\\\n")
_RULE: Final = re.compile(r"[ \t]*\|?[-: |\t]+")
_CELL: Final = {
    delimiter: re.compile(
        r"""[ ]{0,64}(?:"((?:[^"\n]|""){0,512})"|'((?:[^'\n]|''){0,512})'|([^"""
        + delimiter
        + r"""\n]{0,512}))[ ]{0,64}(["""
        + delimiter
        + r"""]|\r?\n|\Z)"""
    )
    for delimiter in _DELIMITERS
}
_INSERT: Final = re.compile(r"\(([^()\n]{1,256})\)\s{0,8}VALUES\s{0,8}", re.IGNORECASE)
_TUPLE: Final = re.compile(r"\s{0,16},?\s{0,16}\(")
_SQL_CELL: Final = re.compile(
    r"""\s{0,8}(?:N?'((?:[^'\n\\]|\\.|''){0,512})'|"((?:[^"\n\\]|\\.){0,512})"|([^,()'"\n]{0,64}))\s{0,8}([,)])"""
)


class Cell(NamedTuple):
    """
    One value, without its quotes.
    """

    start: int
    end: int


class Column(NamedTuple):
    """
    What stands in a column.

    Attributes:
        start: Where the rows begin.
        is_open: More of them may come.
    """

    start: int
    cells: Sequence[Cell]
    is_open: bool


class Table(NamedTuple):
    """
    A table, whose rows have as many cells as its head.

    Attributes:
        start: Where the rows begin.
        is_open: More of them may come.
    """

    start: int
    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    is_open: bool


def crowd_of_heads() -> Crowd:
    """
    Return what counts the heads of one text, by where their lines or their brackets begin.
    """
    return Crowd(CROWD, CROWD_CHARACTERS)


def tables_in(
    text: str,
    start: int,
    *,
    is_final: bool,
    speaks: Callable[[str], bool] = lambda _: True,
) -> Iterator[Table]:
    """
    Return the tables whose rows begin at *start* or behind it.

    Args:
        speaks: Tells of a head whether its column is of interest.  A table without such heads is
            left out, unless it keeps the text from being decided.
    """
    crowd = crowd_of_heads()
    line = text.rfind("\n", 0, max(0, start - HEAD_CHARACTERS - CROWD_CHARACTERS)) + 1
    end = text.find("\n", line)
    mark = -1
    while end >= 0:
        if end < line + HEAD_CHARACTERS and text[end - 1] not in _NO_HEAD_ENDS:
            if mark < line:
                found = _DELIMITER.search(text, line)
                if found is None:
                    return
                mark = found.start()
            if mark < end and _HEAD.fullmatch(text, line, end):
                head = _head_at(text, line, end, crowd)
                if (
                    head is not None
                    and start - 1 <= end
                    and not (is_final and not any(map(speaks, head.cells)))
                ):
                    yield _table_below(text, head, end + 1, is_final=is_final)
        line = end + 1
        end = text.find("\n", line)


def column_at(
    text: str, start: int, end: int, crowd: Crowd, *, is_final: bool
) -> Column | None:
    """
    Return the column whose head is the name from *start* to *end*; None if it is no head.

    Ask `may_be_head` before.

    Args:
        crowd: `crowd_of_heads` of this text.
    """
    opened = text.rfind("(", max(0, start - HEAD_CHARACTERS), start)
    if opened >= 0:
        insert = _INSERT.match(text, opened)
        if insert is not None and insert.end(1) >= end:
            if crowd.is_full_at(opened):
                return None
            return _inserted(text, start, insert, is_final=is_final)
    line_end = text.find("\n", end, start + HEAD_CHARACTERS)
    line = text.rfind("\n", max(0, start - HEAD_CHARACTERS), start) + 1
    if line_end < 0 or line_end - line >= HEAD_CHARACTERS:
        return None
    head = _head_at(text, line, line_end, crowd)
    if head is None:
        return None
    table = _table_below(text, head, line_end + 1, is_final=is_final)
    at = text.count(head.delimiter, line, start)
    return Column(table.start, [row[at] for row in table.rows], table.is_open)


def _delimiter_of(head: str) -> str:
    return next((one for one in _DELIMITERS if one in head), "")


class _Head(NamedTuple):
    delimiter: str
    cells: Sequence[str]


def _head_at(text: str, line: int, line_end: int, crowd: Crowd) -> _Head | None:
    """
    Return the head that the line is; None if it is none, or one of too many.
    """
    head = text[line:line_end].rstrip("\r")
    delimiter = _delimiter_of(head)
    if not delimiter:
        return None
    cells = head.split(delimiter)
    if _is_below_row(text, line, delimiter, len(cells)) or crowd.is_full_at(line):
        return None
    is_marked = delimiter == "|" and cells[0].strip() == cells[-1].strip() == ""
    named = cells[1:-1] if is_marked else cells
    if not named or not all(_HEAD_CELL.fullmatch(one) for one in named):
        return None
    return _Head(delimiter, cells)


def _table_below(text: str, head: _Head, begin: int, *, is_final: bool) -> Table:
    limit = min(len(text), begin + MOST_CHARACTERS)
    goes_on = not is_final and limit == len(text)
    rows: list[Sequence[Cell]] = []
    row = begin
    while row < limit:
        row_end = text.find("\n", row, limit)
        if row_end < 0 and not (is_final and limit == len(text)):
            break
        stop = row_end + 1 if row_end >= 0 else limit
        if not (row == begin and _RULE.fullmatch(text[row:stop].rstrip())):
            cells = list(_cells(text, row, stop, head.delimiter))
            if len(cells) != len(head.cells):
                return Table(begin, head.cells, rows, is_open=False)
            rows.append(cells)
        row = stop
    return Table(begin, head.cells, rows, goes_on)


def _is_below_row(text: str, line: int, delimiter: str, cells: int) -> bool:
    """
    Tell whether the line above *line* looks like this one: of many such lines one is a head.
    """
    above = line - 1
    begin = text.rfind("\n", max(0, above - HEAD_CHARACTERS), max(0, above)) + 1
    if above < 0 or above - begin > HEAD_CHARACTERS:
        return False
    return text.count(delimiter, begin, above) == cells - 1


def _cells(text: str, start: int, end: int, delimiter: str) -> Iterator[Cell]:
    pattern = _CELL[delimiter]
    while True:
        match = pattern.match(text, start, end)
        if match is None:
            return
        group = _group_of(match)
        value = match[group]
        left = match.start(group) + len(value) - len(value.lstrip())
        yield Cell(left, max(left, match.start(group) + len(value.rstrip())))
        if match[4] != delimiter:
            return
        start = match.end()


def _group_of(match: re.Match[str]) -> int:
    """
    Return in which of its three notations the value of a cell is written.
    """
    if match.start(3) >= 0:
        return 3
    return 1 if match.start(1) >= 0 else 2


def _inserted(
    text: str, start: int, insert: re.Match[str], *, is_final: bool
) -> Column | None:
    begin = insert.end()
    if begin - insert.start() > HEAD_CHARACTERS:
        return None
    column = text.count(",", insert.start(), start)
    columns = insert[1].count(",") + 1
    limit = min(len(text), begin + MOST_CHARACTERS)
    cells: list[Cell] = []
    at = begin
    while True:
        opening = _TUPLE.match(text, at, limit)
        if opening is None:
            is_done = text[at:limit].lstrip().startswith(";") or at > begin
            is_done = is_done and text[at:limit].strip() not in ("", ",")
            return Column(
                begin, cells, is_open=not (is_done or is_final) and limit == len(text)
            )
        found: list[Cell] = []
        at = opening.end()
        closing = ","
        while closing == ",":
            match = _SQL_CELL.match(text, at, limit)
            if match is None:
                is_open = not is_final and limit == len(text)
                return Column(begin, cells, is_open)
            group = _group_of(match)
            found.append(Cell(*match.span(group)))
            at, closing = match.end(), match[4]
        if len(found) != columns:
            return Column(begin, cells, is_open=False)
        cells.append(found[column])
