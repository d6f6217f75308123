"""
What every kind of sink is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import attrs

from gateway.clock import Clock
from gateway.outbound import Outbound
from gateway.secrets import Secrets
from gateway.settings import EgressSettings
from gateway_audit.sinks.records import Record


class NotTaken(Exception):
    """
    Records were not taken, for now.

    Args:
        why: For an operator; it names no secret and quotes nothing that was sent.
        after_s: How long the other side wants to be left alone.
        left: What was not taken, where the rest was; all of it if None.
    """

    def __init__(
        self,
        why: str,
        *,
        after_s: float | None = None,
        left: Sequence[Record] | None = None,
    ) -> None:
        super().__init__(why)
        self.after_s = after_s
        self.left = left


class Unfit(Exception):
    """
    Something among the records will never be taken: too large, or malformed to the other side.
    """


@attrs.frozen(kw_only=True)
class Way:
    """
    What a sink sends with.
    """

    outbound: Outbound
    secrets: Secrets
    egress: EgressSettings
    clock: Clock


class Outlet(Protocol):
    """
    Brings records to one system.
    """

    @property
    def window(self) -> int:
        """
        How many batches may be under way at a time.
        """

    @property
    def max_records(self) -> int:
        """
        How many records a batch may have.
        """

    @property
    def max_bytes(self) -> int:
        """
        How many bytes of entries a batch may have.
        """

    @property
    def stale_after_s(self) -> float | None:
        """
        The age from which on entries are not accepted under their own time.
        """

    async def send(self, records: Sequence[Record]) -> int:
        """
        Deliver *records*; when this returns the other side has them.

        Returns:
            How many of them it will never take, and did not.

        Raises:
            NotTaken: It has not, or that cannot be known.
            Unfit: It will not take them as they are.
        """

    async def close(self) -> None:
        """
        Let go of connections.
        """
