"""
Where vectors are kept: what a search follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import attrs

from gateway_caching.semantic.matrix import Vector

__all__ = ["Changes", "Kept", "Source"]


@attrs.frozen(kw_only=True)
class Kept:
    """
    A question that was answered.

    Attributes:
        exact: What its answer is kept under.
        partition: Whose it is.
        group: Hash of everything that must be the same: no question of another is looked at.
        expires_at: Unix seconds.
        text: The question.
        vector: Of unit length.
    """

    exact: str
    partition: str
    group: str
    expires_at: float
    text: str = attrs.field(repr=False)
    vector: Vector = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Changes:
    """
    What became of a group since somebody looked.

    Attributes:
        put: Names and vectors that came, in batches of one length; after *gone*.
        gone: Names that went.
        is_whole: *put* is all there is, and whatever was known before is void.
        cursor: What to ask from the next time.
    """

    put: Iterable[tuple[Sequence[str], Vector]]
    gone: Sequence[str] = ()
    is_whole: bool = False
    cursor: object = None


class Source(Protocol):
    """
    Keeps questions with their vectors; used by one thread, which may wait.

    Every method but *close* may raise `OSError` where what it needs cannot be reached.
    """

    def changes(self, group: str, cursor: object) -> Changes:
        """
        Tell what became of *group* since *cursor*; None is since ever.
        """

    def texts(self, names: Sequence[str]) -> Mapping[str, str]:
        """
        Return the questions of those *names* that are still to be answered from.
        """

    def keep(self, kept: Kept) -> None:
        """
        Keep a question; the oldest of its partition go where there are too many.
        """

    def forget(self, names: Sequence[str]) -> None:
        """
        Let go of questions.
        """

    def close(self) -> None:
        """
        Let go of files and connections.
        """
