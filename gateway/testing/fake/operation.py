"""
What one path of a vendor's API does, as a table entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs

from gateway.testing.fake.answer import Answer
from gateway.testing.fake.ask import Ask, Body, Rules
from gateway.testing.fake.errors import Vendor, VendorError
from gateway.testing.fake.frames import Event

__all__ = ["Operation"]


@attrs.frozen(kw_only=True)
class Operation:
    """
    One path: how its requests are read, and how its answers are written.

    Args:
        read: check a request and say what it asks for; raises `VendorError`.
        whole: write the answer as one document.
        events: write the answer as a stream, where the vendor has one.
        error_event: write an error in the middle of a stream; gets the number
            of events that went out before it.
        ping: what keeps a stream alive, where that is an event.
    """

    name: str
    vendor: Vendor
    read: Callable[[Body, Rules], Ask]
    whole: Callable[[Answer], dict[str, Any]]
    events: Callable[[Answer], Iterator[Event]] | None = None
    error_event: Callable[[Answer, VendorError, int], Event] | None = None
    ping: Event | None = None
    is_free: bool = False
