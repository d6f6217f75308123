"""
Reading single values: a reader is made for each type a text may have.

A reader is a function of a node, its place, and the list where problems go.  It
returns `INVALID` after it noted a problem, so that all are found in one go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Final, Union

from gateway.settings.nodes import Node, Scalar, Sequence, Table, plain
from gateway.settings.problems import Problems, join, shown

#: What a reader returns when it noted a problem instead.
INVALID: Final = object()

# A step of a path and the steps before it, down to the path where reading began.
# Joined only when there is a problem.
At = Union[str, "tuple[At, str | int]"]
Reader = Callable[[Node, At, Problems], Any]

_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,18})")
_DECIMAL: Final = re.compile(
    r"[-+]?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][-+]?[0-9]{1,3})?"
)


def written(at: At) -> str:
    """
    Write the path *at*.
    """
    steps: list[str | int] = []
    while not isinstance(at, str):
        at, step = at
        steps.append(step)
    for step in reversed(steps):
        at = join(at, step)
    return at


def kind_of(node: Node) -> str:
    """
    Say what *node* is, in a message.
    """
    if isinstance(node, Table):
        return "a table"
    if isinstance(node, Sequence):
        return "a list"
    return "empty" if isinstance(node, Scalar) and node.is_null else "a single value"


def refuse(node: Node, at: At, problems: Problems, message: str) -> Any:
    """
    Note a problem at *node* and return `INVALID`.
    """
    problems.add(node.mark, written(at), message)
    return INVALID


def _text_of(
    node: Node, at: At, problems: Problems, wanted: str, *, plain_only: bool = False
) -> Scalar | None:
    """
    Return *node* if it is a single value that is there, else note a problem.
    """
    if not isinstance(node, Scalar):
        refuse(node, at, problems, f"must be {wanted}, not {kind_of(node)}")
    elif node.is_null:
        refuse(node, at, problems, f"must be {wanted}, but is empty")
    elif plain_only and not node.plain:
        refuse(node, at, problems, f"must be {wanted}, without quotes")
    else:
        return node
    return None


def _read_str(node: Node, at: At, problems: Problems) -> Any:
    scalar = _text_of(node, at, problems, "text")
    return INVALID if scalar is None else scalar.text


def _read_bool(node: Node, at: At, problems: Problems) -> Any:
    scalar = _text_of(node, at, problems, "true or false", plain_only=True)
    if scalar is None:
        return INVALID
    if scalar.text in ("true", "false"):
        return scalar.text == "true"
    return refuse(
        node, at, problems, f"must be true or false, not {shown(scalar.text)}"
    )


def _number_reader(
    wanted: str, pattern: re.Pattern[str], convert: Callable[[str], Any]
) -> Reader:
    def read_number(node: Node, at: At, problems: Problems) -> Any:
        scalar = _text_of(node, at, problems, wanted, plain_only=True)
        if scalar is None:
            return INVALID
        if pattern.fullmatch(scalar.text):
            return convert(scalar.text)
        message = f"must be {wanted}, not {shown(scalar.text)}"
        return refuse(node, at, problems, message)

    return read_number


def word_reader(parse: Callable[[str], Any], wanted: str = "text") -> Reader:
    """
    Make a reader of what *parse* makes of a text; its ValueError is the problem.
    """

    def read_word(node: Node, at: At, problems: Problems) -> Any:
        scalar = _text_of(node, at, problems, wanted)
        if scalar is None:
            return INVALID
        try:
            return parse(scalar.text)
        except ValueError as exc:
            return refuse(node, at, problems, str(exc))

    return read_word


def _path_of(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:
        msg = "~ stands for a home folder, and this user has none"
        raise ValueError(msg) from None


def _date_of(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        msg = f"must be a day such as 2026-01-31, not {shown(text)}"
        raise ValueError(msg) from None


def _read_any(node: Node, at: At, problems: Problems) -> Any:
    return plain(node)


SIMPLE: Final[dict[Any, Reader]] = {
    str: _read_str,
    bool: _read_bool,
    int: _number_reader("a whole number", _INTEGER, int),
    float: _number_reader("a number", _DECIMAL, float),
    Decimal: _number_reader("a number", _DECIMAL, Decimal),
    Path: word_reader(_path_of, "a path"),
    date: word_reader(_date_of, "a day"),
    Any: _read_any,
    object: _read_any,
}


def literal_reader(choices: Iterable[Any]) -> Reader:
    """
    Make a reader of one of *choices*, each as it is spelt in the file.
    """
    return _choice_reader({spelt(choice): choice for choice in choices})


def enum_reader(kind: type[Enum]) -> Reader:
    """
    Make a reader of one member's value.
    """
    return _choice_reader({spelt(member.value): member for member in kind})


def spelt(choice: Any) -> str:
    """
    Spell a choice as the file does.
    """
    return str(choice).lower() if isinstance(choice, bool) else str(choice)


def _choice_reader(choices: Mapping[str, Any]) -> Reader:
    wanted = " or ".join(choices) if len(choices) < 3 else f"one of {' '.join(choices)}"

    def read_choice(node: Node, at: At, problems: Problems) -> Any:
        scalar = _text_of(node, at, problems, wanted)
        if scalar is None:
            return INVALID
        if scalar.text in choices:
            return choices[scalar.text]
        message = f"must be {wanted}, not {shown(scalar.text)}"
        return refuse(node, at, problems, message)

    return read_choice
