"""
What happens to the cache beside requests.
"""

from __future__ import annotations

import attrs

from gateway.events import Event
from gateway_caching.stores import Wanted

__all__ = ["CachePurged", "SimilarAnswersDiffered"]


@attrs.frozen(kw_only=True)
class CachePurged(Event):
    """
    Somebody let entries go; each process lets go of its own, and of answers under way.

    Attributes:
        exact: As in `Wanted`, as are the others; "" is any.
        created_before: 0 is any time.
    """

    exact: str = ""
    partition: str = ""
    model: str = ""
    tag: str = ""
    created_before: float = 0.0

    @classmethod
    def of(cls, wanted: Wanted, *, at: float, actor: str) -> CachePurged:
        """
        Tell of what is *wanted*.
        """
        return cls(
            at=at,
            actor=actor,
            exact=wanted.exact or "",
            partition=wanted.partition or "",
            model=wanted.model or "",
            tag=wanted.tag or "",
            created_before=wanted.created_before or 0.0,
        )

    @property
    def wanted(self) -> Wanted:
        """
        Which entries are meant.
        """
        return Wanted(
            exact=self.exact or None,
            partition=self.partition or None,
            model=self.model or None,
            tag=self.tag or None,
            created_before=self.created_before or None,
        )


@attrs.frozen(kw_only=True)
class SimilarAnswersDiffered(Event):
    """
    A similar question was answered from the cache, and the model would have said something else.

    Attributes:
        request_id: Of the exchange that was answered.
        model: The name that it asked for.
        similarity: Of the two questions.
        likeness: Of the two answers, from 0 to 1.
    """

    request_id: str
    model: str
    similarity: float
    likeness: float
