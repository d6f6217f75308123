"""
Those who work beside the sequencer: the exports, retention.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

from gateway_audit.sequencing.log import Log


class Saying(NamedTuple):
    """
    What a companion wants said in the log: the entry's type, and its members.
    """

    kind: str
    told: dict[str, Any]


class Companion(Protocol):
    """
    Works in a thread of its own; whatever becomes of it, the log goes on.
    """

    @property
    def name(self) -> str:
        """
        The member of the status that tells of it.
        """

    def turn(self, source: Log, now: float) -> Iterable[Saying]:
        """
        Take notice of how the log is; called every turn, so it waits for nothing.

        Args:
            now: The sequencer's monotonic time.

        Returns:
            What is to be said in the log.
        """

    def document(self) -> dict[str, Any]:
        """
        Tell how it is.
        """

    def close(self) -> None:
        """
        Bring to an end what can be ended soon.
        """
