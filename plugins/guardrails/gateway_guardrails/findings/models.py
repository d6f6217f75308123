"""
Names of models as findings have them: a caller's own word may be anything, a person's name too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway import Exchange, ModelListing


class ModelNames:
    """
    Tells which names somebody else knows than the caller.

    Args:
        listed: Asks the gateway for the models that callers may name.
    """

    def __init__(self, listed: Callable[[], Iterable[ModelListing]]) -> None:
        self._listed = listed
        self._of: Any = None
        self._known: frozenset[str] = frozenset()

    def of(self, exchange: Exchange) -> str | None:
        """
        Return the name of the model that was asked for.

        None if neither the settings nor the catalog know it, and no provider answered by it.
        """
        name = exchange.request.model
        was_answered = any((one.status or 500) < 400 for one in exchange.attempts)
        return name if was_answered or self._knows(name, exchange.settings) else None

    def _knows(self, name: str, settings: object) -> bool:
        if settings is not self._of:
            self._known = frozenset(
                known for one in self._listed() for known in (one.id, *one.leads_to)
            )
            self._of = settings
        return name in self._known
