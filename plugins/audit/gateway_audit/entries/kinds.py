"""
Which types of entries there are.
"""

from __future__ import annotations

from typing import Final

#: Precedes the types of what other plugins tell of, which are theirs to name.
OF_PLUGINS: Final = "event."
KINDS: Final = (
    "admin.acted",
    "auth.denied",
    "body.read",
    "erasure",
    "export",
    "gap",
    "gateway.draining",
    "gateway.started",
    "gateway.stopped",
    "intent",
    "keys.changed",
    "log.truncated",
    "outcome",
    "provider_key.health",
    "read",
    "refusals",
    "retention",
    "settings.changed",
    "settings.refused",
    "turned_away",
)


def may_be_kind(kind: str) -> bool:
    """
    Tell whether an entry can be of type *kind*.
    """
    return kind in KINDS or (
        kind.startswith(OF_PLUGINS) and len(kind) > len(OF_PLUGINS)
    )
