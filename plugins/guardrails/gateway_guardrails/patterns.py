r"""
Patterns in linear time: RE2 where it is installed, the standard library where it is not.

Every pattern is written in the syntax that both know: no look-around, no back-references, flags
only in front, repeats up to 1000.  RE2's ``\b \d \w`` are ASCII; the fallback is told so too.

Source: https://github.com/google/re2/wiki/Syntax.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any, Final, Protocol, cast

__all__ = [
    "HAS_RE2",
    "Match",
    "Pattern",
    "PatternInvalid",
    "PatternSet",
    "compile_pattern",
]

try:
    _re2: Any = import_module("re2")
except ImportError:  # no wheel for this system
    _re2 = None

#: Whether patterns run in linear time.
HAS_RE2: Final = _re2 is not None
#: Characters that a pattern may have: more is no pattern that a person wrote.
MAX_CHARACTERS: Final = 4096
#: Bytes that one compiled pattern may take, which bounds what a repeat of repeats costs.
MAX_MEMORY: Final = 8 << 20
#: Bytes that the automaton of a set may take, where who makes it says nothing else.
MAX_SET_MEMORY: Final = 64 << 20


class PatternInvalid(ValueError):
    """
    The text is no pattern, or none that runs in linear time; says why.
    """


class Match(Protocol):
    """
    As `re.Match`, as far as it is used.
    """

    def start(self, group: int = 0, /) -> int: ...  # noqa: D102 - re's
    def end(self, group: int = 0, /) -> int: ...  # noqa: D102
    def span(self, group: int = 0, /) -> tuple[int, int]: ...  # noqa: D102
    def group(self, group: int = 0, /) -> str: ...  # noqa: D102


class Pattern(Protocol):
    """
    As `re.Pattern`, as far as it is used; positions are characters.

    RE2's, and only those, take UTF-8 as well, with positions in bytes.
    """

    def search(self, text: str, pos: int = 0, /) -> Match | None: ...  # noqa: D102 - re's
    def fullmatch(self, text: str, /) -> Match | None: ...  # noqa: D102
    def finditer(  # noqa: D102
        self, text: str | bytes, pos: int = 0, endpos: int = sys.maxsize, /
    ) -> Iterator[Match]: ...


def compile_pattern(
    text: str, *, ignores_case: bool = False, max_memory: int = MAX_MEMORY
) -> Pattern:
    """
    Compile a pattern.

    Args:
        max_memory: Bytes that its automaton may grow to; it starts afresh when they are used up.

    Raises:
        PatternInvalid: It is none, too long, or would take more than *max_memory*.
    """
    if len(text) > MAX_CHARACTERS:
        msg = f"a pattern may have {MAX_CHARACTERS} characters"
        raise PatternInvalid(msg)
    try:
        if _re2 is None:
            flags = re.ASCII | (re.IGNORECASE if ignores_case else 0)
            compiled: Any = re.compile(text, flags)
        else:
            options = _options(ignores_case=ignores_case)
            options.max_mem = max_memory
            compiled = _re2.compile(text, options)
    except (re.error, RecursionError) as exc:
        raise PatternInvalid(f"no pattern: {exc}") from None
    except Exception as exc:
        if _re2 is None or not isinstance(exc, _re2.error):
            raise
        told = exc.args[0].decode() if isinstance(exc.args[0], bytes) else str(exc)
        raise PatternInvalid(f"no pattern of RE2's syntax: {told}") from None
    return cast("Pattern", compiled)


class PatternSet:
    """
    Tells which of many patterns are anywhere in a text, in one pass.

    Without RE2 it asks each; who has many patterns then asks for a cheap sign first.

    Args:
        patterns: Texts, in the order in which `hits` numbers them.
        max_memory: Bytes that its automaton may grow to; it starts afresh when they are used up.
    """

    def __init__(
        self,
        patterns: Iterable[str],
        *,
        ignores_case: bool = False,
        max_memory: int = MAX_SET_MEMORY,
    ) -> None:
        texts = list(patterns)
        self._each: Sequence[Pattern] = ()
        self._set: Any = None
        if _re2 is None:
            self._each = [
                compile_pattern(one, ignores_case=ignores_case) for one in texts
            ]
            return
        options = _options(ignores_case=ignores_case)
        options.max_mem = max_memory
        self._set = _re2.Set.SearchSet(options)
        for text in texts:
            compile_pattern(
                text, ignores_case=ignores_case
            )  # tells what is wrong with it
            self._set.Add(text)
        self._set.Compile()

    def hits(self, text: str | bytes) -> Sequence[int]:
        """
        Return the numbers of the patterns that are found in *text*, in order.

        Bytes are taken as UTF-8, which spares RE2 the encoding where the caller has it.
        """
        if self._set is not None:
            return sorted(self._set.Match(text) or ())
        told = text if isinstance(text, str) else text.decode("utf-8", "replace")
        return [number for number, one in enumerate(self._each) if one.search(told)]


def _options(*, ignores_case: bool) -> Any:
    options = _re2.Options()
    options.log_errors = False  # else a customer's bad pattern goes to stderr
    options.case_sensitive = not ignores_case
    options.max_mem = MAX_MEMORY
    return options
