"""
Lists of names of models, in which one ``*`` may stand for anything.

One star at most: callers choose the names that are looked up, so looking one up takes no longer
than reading it.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway_governance.entities import ANY


class Names:
    """
    A list of names, made ready to look names up in.

    Args:
        texts: Names and patterns.
        folds_case: Whether capitals and blanks around make no difference; for lists that
            forbid, for some providers do not tell ``GPT-5`` from ``gpt-5``.

    Raises:
        ValueError: One has more than one star.
    """

    __slots__ = ("_exact", "_folds_case", "_patterns", "covers_all")

    def __init__(self, texts: Iterable[str], *, folds_case: bool = False) -> None:
        exact: set[str] = set()
        patterns: list[tuple[str, str]] = []
        for text in texts:
            check_name(text)
            prefix, star, suffix = _folded(text, folds_case).partition(ANY)
            if star:
                patterns.append((prefix, suffix))
            else:
                exact.add(prefix)
        self._folds_case = folds_case
        self._exact = frozenset(exact)
        self._patterns = tuple(patterns)
        self.covers_all = ("", "") in patterns

    def covers(self, name: str) -> bool:
        """
        Tell whether *name* is in the list.
        """
        name = _folded(name, self._folds_case)
        if self.covers_all or name in self._exact:
            return True
        return any(
            len(name) >= len(prefix) + len(suffix)
            and name.startswith(prefix)
            and name.endswith(suffix)
            for prefix, suffix in self._patterns
        )

    def spells_out(self, name: str) -> bool:
        """
        Tell whether *name* stands in the list itself, not by a star.
        """
        return _folded(name, self._folds_case) in self._exact


def check_name(text: str) -> None:
    """
    Refuse what is no name and no pattern.

    Raises:
        ValueError: It is empty, or has more than one star.
    """
    if not text:
        msg = "a model's name may not be empty"
        raise ValueError(msg)
    if text.count(ANY) > 1:
        msg = f'"{text}" has more than one *'
        raise ValueError(msg)


def _folded(text: str, folds_case: bool) -> str:
    return text.strip().casefold() if folds_case else text
