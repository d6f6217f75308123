"""
The rules as they are written in the tables beside this module.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, Final

import attrs

__all__ = ["Rule", "language_signs", "rules"]

_TABLES: Final = ("english", "languages")
#: What weighs no more is looked for only beside another: it says too little by itself to pay for.
WEAK: Final = 0.3
_NAME: Final = re.compile(r"\{([A-Z]+)(\d*)\}")
#: What a space in a pattern stands for: one to three characters that are no letters.
_BETWEEN: Final = r"""(?:[\s.,;:!?*_"'`()\[\]<>/~=-]{1,3})"""
_WORD: Final = r"[\w'-]+" + _BETWEEN


@attrs.frozen(kw_only=True)
class Rule:
    """
    One row of a table.

    Attributes:
        weight: How much it says by itself, 0 to 1.
        is_foreign: It counts only where nobody should speak to the assistant: in tool results,
            documents, tool definitions.
        is_common: Ordinary texts have it: it is looked for only beside another that was found.
        language: ISO 639-1.
        sought: What a screen looks for: *pattern*, or an end of it that costs less.
        hit: A text in which it is found.
        miss: One in which it is not.
    """

    family: str
    weight: float
    pattern: str
    sought: str
    hit: str
    miss: str
    is_foreign: bool = False
    is_common: bool = False
    language: str = "en"


@cache
def rules() -> tuple[Rule, ...]:
    """
    Read all rules.
    """
    return tuple(rule for table in _TABLES for rule in _read(table))


@cache
def language_signs() -> str:
    """
    Return a pattern for words of which a sentence in another language, folded to ASCII, has one.
    """
    signs: list[str] = _document("languages")["signs"]
    return rf"\b(?:{'|'.join(signs)})\b"


def _document(table: str) -> dict[str, Any]:
    text = files(__package__).joinpath(f"{table}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _read(table: str) -> Iterator[Rule]:
    document = _document(table)
    words: dict[str, str] = document.get("words", {})
    for row in document["rule"]:
        yield _rule(row, words)


def _rule(row: dict[str, Any], words: dict[str, str]) -> Rule:
    pattern: str = row["pattern"]
    begin = pattern.index(row.get("sought_from", ""))
    return Rule(
        family=row["family"],
        weight=row["weight"],
        pattern=_expanded(pattern, words),
        sought=_expanded(pattern[begin:], words),
        hit=row["hit"],
        miss=row["miss"],
        is_foreign=row.get("where") == "foreign",
        is_common=row.get("common", False) or row["weight"] <= WEAK,
        language=row.get("language", "en"),
    )


def _expanded(pattern: str, words: dict[str, str]) -> str:
    def put(match: re.Match[str]) -> str:
        name, count = match.groups()
        if name == "W" and count:
            return f"(?:{_WORD}){{0,{count}}}"
        return words[name]

    return _NAME.sub(put, pattern).replace(" ", _BETWEEN)
