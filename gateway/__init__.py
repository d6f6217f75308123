"""
Gatewright: an AI gateway that you build out of plugins.

What a plugin author needs stands here; everything else is private to the core, except the public
modules ``gateway.errors``, ``gateway.events``, ``gateway.filters``, ``gateway.settings``,
``gateway.storage`` and ``gateway.testing``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.errors import (
    Blocked,
    BudgetExceeded,
    ConfigError,
    GatewayError,
    NotAllowed,
    NotAuthenticated,
    RateLimited,
    Refused,
    Unavailable,
)
from gateway.exchange import (
    Answer,
    Attempt,
    AttemptState,
    Exchange,
    Finding,
    Identity,
    Outcome,
    Stash,
    StashKey,
)
from gateway.hookspecs import NoSettings, Phase, Plugin, hookimpl
from gateway.registrations import ProcessSpec, Route
from gateway.taps import Tap
from gateway.usage import Usage
from gateway.views import Chunk, Request, Response, SealedError, Text, Tool

if TYPE_CHECKING:
    from gateway.app import Gateway

__all__ = [
    "Answer",
    "Attempt",
    "AttemptState",
    "Blocked",
    "BudgetExceeded",
    "Chunk",
    "ConfigError",
    "Exchange",
    "Finding",
    "Gateway",
    "GatewayError",
    "Identity",
    "NoSettings",
    "NotAllowed",
    "NotAuthenticated",
    "Outcome",
    "Phase",
    "Plugin",
    "ProcessSpec",
    "RateLimited",
    "Refused",
    "Request",
    "Response",
    "Route",
    "SealedError",
    "Stash",
    "StashKey",
    "Tap",
    "Text",
    "Tool",
    "Unavailable",
    "Usage",
    "hookimpl",
]


def __getattr__(name: str) -> Any:
    # The running gateway brings the server's libraries with it; a plugin needs it for its
    # annotations only, or to embed it.
    if name == "Gateway":
        from gateway.app import Gateway

        return Gateway
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
