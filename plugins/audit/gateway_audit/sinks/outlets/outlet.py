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
    """

    def __init__(self, why: str, *, after_s: float | None = None) -> None:
        super().__init__(why)
        self.after_s = after_s


class Unfit(Exception):
    """
    Something among the records will never be taken: too large, or malformed to the other side.
    """


@attrs.frozen(kw_only=True)
class Delivery:
    """
    What became of records; those that neither member names are theirs.

    Attributes:
        left: Not taken for now, while others were; *why* says it.
        refused: Will never be taken, each with the reason.
    """

    left: Sequence[Record] = ()
    why: str = ""
    refused: Sequence[tuple[Record, str]] = ()


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

    async def send(self, records: Sequence[Record]) -> Delivery:
        """
        Deliver *records*; when this returns the other side has those that it does not name.

        Raises:
            NotTaken: It has none of them, or that cannot be known.
            Unfit: It will not take them as they are.
        """

    async def close(self) -> None:
        """
        Let go of connections.
        """
