"""
The test kit: for Gatewright's own tests and for authors of plugins.
"""

from __future__ import annotations

from gateway.testing.exchanges import (
    ManualClock,
    find_dialect,
    make_attempt,
    make_chunk,
    make_exchange,
    make_request,
    make_response,
)
from gateway.testing.fake import (
    Charge,
    Citation,
    FakeUpstream,
    Insert,
    Script,
    SeenRequest,
    ToolCall,
    Usage,
)

__all__ = [
    "Charge",
    "Citation",
    "FakeUpstream",
    "Insert",
    "ManualClock",
    "Script",
    "SeenRequest",
    "ToolCall",
    "Usage",
    "find_dialect",
    "make_attempt",
    "make_chunk",
    "make_exchange",
    "make_request",
    "make_response",
]
