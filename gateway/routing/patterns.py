"""
Names of models with a ``*`` in them.

One star at most: the caller chooses the name that is matched, so matching must take no
longer than reading it.
"""

from __future__ import annotations

from typing import Self

import attrs

STAR = "*"


@attrs.frozen
class NamePattern:
    """
    A name, in which one ``*`` may stand for anything, also for nothing.

    Attributes:
        prefix: What stands before the star, or the whole name.
        suffix: What stands behind it; None if there is no star.
    """

    prefix: str
    suffix: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read a name or a pattern.

        Raises:
            ValueError: it has more than one star.
        """
        if text.count(STAR) > 1:
            msg = f'"{text}" has more than one *'
            raise ValueError(msg)
        prefix, star, suffix = text.partition(STAR)
        return cls(prefix, suffix if star else None)

    def __str__(self) -> str:
        return self.prefix if self.suffix is None else self.prefix + STAR + self.suffix

    @property
    def is_any(self) -> bool:
        """
        Whether every name matches.
        """
        return self.prefix == "" and self.suffix == ""

    @property
    def is_exact(self) -> bool:
        """
        Whether it has no star.
        """
        return self.suffix is None

    @property
    def precision(self) -> tuple[int, int]:
        """
        How much of a name it says; of two that match, the greater is meant.
        """
        return len(self.prefix) + len(self.suffix or ""), len(self.prefix)

    def matches(self, name: str) -> bool:
        """
        Tell whether *name* is meant.
        """
        if self.suffix is None:
            return name == self.prefix
        return (
            len(name) >= len(self.prefix) + len(self.suffix)
            and name.startswith(self.prefix)
            and name.endswith(self.suffix)
        )

    def caught(self, name: str) -> str:
        """
        Return what the star stands for in a *name* that matches; "" without a star.
        """
        if self.suffix is None:
            return ""
        return name[len(self.prefix) : len(name) - len(self.suffix)]

    def filled(self, caught: str) -> str:
        """
        Return this pattern as a name, with *caught* in the place of the star.
        """
        return (
            self.prefix if self.suffix is None else self.prefix + caught + self.suffix
        )
