"""
Things that happen outside an exchange; plugins hear of them by `on_event`.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen(kw_only=True)
class Event:
    """
    Something happened.

    Attributes:
        at: Unix seconds.
        actor: Who did it: an admin token's name, ``cli``, ``system``.
    """

    at: float
    actor: str = "system"


@attrs.frozen(kw_only=True)
class GatewayStarted(Event):
    """
    A worker is ready.
    """

    version: str
    settings_digest: str


@attrs.frozen(kw_only=True)
class GatewayDraining(Event):
    """
    A worker takes no new requests.
    """


@attrs.frozen(kw_only=True)
class GatewayStopped(Event):
    """
    A worker has finished what was in flight.
    """


@attrs.frozen(kw_only=True)
class SettingsChanged(Event):
    """
    A new settings snapshot is in force.

    Attributes:
        changed: Paths that differ, without values.
    """

    before: str
    after: str
    changed: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class SettingsRefused(Event):
    """
    A reload was refused; the old snapshot stays.
    """

    problems: tuple[str, ...]


@attrs.frozen(kw_only=True)
class AdminDenied(Event):
    """
    Somebody tried a management route without the permission for it.
    """

    route: str
    peer: str


@attrs.frozen(kw_only=True)
class AdminActed(Event):
    """
    A management route changed something.

    Attributes:
        target: What was changed: ``governance.virtual_key/checkout-prod``.
        digests: Hashes of its state before and after.
    """

    action: str
    target: str
    digests: tuple[str, str] = ("", "")
    details: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class KeyHealthChanged(Event):
    """
    A provider key was put aside, or came back.
    """

    provider: str
    key: str
    is_healthy: bool
    reason: str = ""
