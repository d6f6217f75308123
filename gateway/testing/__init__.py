"""
The test kit: for Gatewright's own tests and for authors of plugins.

Every name is imported when it is first used: the fake vendor needs nothing of the gateway.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.testing.client import (
        ClientAnswer,
        GatewayClient,
        settings_for,
    )
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
    from gateway.testing.recorder import (
        HookCall,
        HookRecorder,
    )

__all__ = [
    "Charge",
    "Citation",
    "ClientAnswer",
    "FakeUpstream",
    "GatewayClient",
    "HookCall",
    "HookRecorder",
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
    "settings_for",
]

_PLACES = {
    "ClientAnswer": "client",
    "GatewayClient": "client",
    "settings_for": "client",
    "ManualClock": "exchanges",
    "find_dialect": "exchanges",
    "make_attempt": "exchanges",
    "make_chunk": "exchanges",
    "make_exchange": "exchanges",
    "make_request": "exchanges",
    "make_response": "exchanges",
    "Charge": "fake",
    "Citation": "fake",
    "FakeUpstream": "fake",
    "Insert": "fake",
    "Script": "fake",
    "SeenRequest": "fake",
    "ToolCall": "fake",
    "Usage": "fake",
    "HookCall": "recorder",
    "HookRecorder": "recorder",
}


def __getattr__(name: str) -> Any:
    place = _PLACES.get(name)
    if place is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{place}"), name)
