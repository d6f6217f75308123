"""
Gatewright: an AI gateway that you build out of plugins.

What a plugin author needs stands here; everything else is private to the core, except the public
modules ``gateway.catalog``, ``gateway.client``, ``gateway.clock``, ``gateway.codec``,
``gateway.conditions``, ``gateway.detecting``, ``gateway.errors``, ``gateway.events``,
``gateway.filters``, ``gateway.following``, ``gateway.management``, ``gateway.offline``,
``gateway.outbound``, ``gateway.secrets``, ``gateway.settings``, ``gateway.storage``,
``gateway.tasks`` and ``gateway.testing``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gateway.detecting import Detector
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
    CallerKind,
    Drain,
    Exchange,
    Identity,
    Outcome,
    Stash,
    StashKey,
)
from gateway.hookspecs import NoSettings, Phase, Plugin, hookimpl
from gateway.listing import ModelListing
from gateway.registrations import (
    Embedder,
    Encoding,
    Metric,
    ProcessSpec,
    Route,
    SecretStore,
)
from gateway.taps import Tap
from gateway.trail import Finding
from gateway.usage import Usage
from gateway.views import Chunk, Request, Response, SealedError, Text, Tool

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.dialects import Dialect
    from gateway.flights import Flight
    from gateway.providers.vendors import Vendor
    from gateway.routing.targets import Target
    from gateway.server.embedding import subapp

__all__ = [
    "Answer",
    "Attempt",
    "AttemptState",
    "Blocked",
    "BudgetExceeded",
    "CallerKind",
    "Chunk",
    "ConfigError",
    "Detector",
    "Dialect",
    "Drain",
    "Embedder",
    "Encoding",
    "Exchange",
    "Finding",
    "Flight",
    "Gateway",
    "GatewayError",
    "Identity",
    "ModelListing",
    "NoSettings",
    "NotAllowed",
    "NotAuthenticated",
    "Outcome",
    "Phase",
    "Plugin",
    "Metric",
    "ProcessSpec",
    "RateLimited",
    "Refused",
    "Request",
    "Response",
    "Route",
    "SealedError",
    "SecretStore",
    "Stash",
    "StashKey",
    "Tap",
    "Target",
    "Text",
    "Tool",
    "Unavailable",
    "Usage",
    "Vendor",
    "hookimpl",
    "subapp",
]


#: What a plugin needs for annotations, or to embed a gateway: it brings much with it.
_HEAVY = {
    "Dialect": "gateway.dialects",
    "Flight": "gateway.flights",
    "Gateway": "gateway.app",
    "Target": "gateway.routing.targets",
    "Vendor": "gateway.providers.vendors",
    "subapp": "gateway.server.embedding",
}


def __getattr__(name: str) -> Any:
    place = _HEAVY.get(name)
    if place is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(place), name)
