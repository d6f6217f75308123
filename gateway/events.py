"""
Things that happen outside an exchange; plugins hear of them by `on_event`.

`Gateway.publish` tells the plugins of one process, `Gateway.broadcast` those of every process of
the data directory.  A plugin's own events inherit from `Event`; what is broadcast has fields that
JSON knows: texts, numbers, tuples of them, and mappings by text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class Event:
    """
    Something happened.

    Attributes:
        at: Unix seconds.
        actor: Who did it: an admin token's name, ``cli``, ``system``.
        is_echo: It happened once, in another process, and is told here too.  Who acts on what
            changed acts on every one; who records what happened records those that are none.
    """

    at: float
    actor: str = "system"
    is_echo: bool = False


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
class EventsMissed(Event):
    """
    Events of other processes are lost to this one, which was too slow for them.

    Who keeps what such events tell of reads all of it again.
    """


@attrs.frozen(kw_only=True)
class SettingsChanged(Event):
    """
    A new settings snapshot is in force.

    Every worker is told, for each goes by it; in all but one it is an echo (`Event.is_echo`), so
    that an audit counts one change.

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
class CallerTurnedAway(Event):
    """
    A caller was told no before there was an exchange: an unknown route, no JSON, too large a body.

    What plugins refuse is an exchange, and ends in `on_complete`.

    Attributes:
        path: The route's, as it is written in the route table; ``""`` where there is none.
        code: What the caller was told, as in ``x-gw-code``.
        peer: The caller's network address.
    """

    request_id: str
    path: str
    method: str
    status: int
    code: str
    dialect: str = ""
    operation: str = ""
    peer: str = ""


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
class TraceRecalled(Event):
    """
    The actor was shown what a plugin keeps of a request: see `Plugin.recall`.
    """

    request_id: str


@attrs.frozen(kw_only=True)
class KeyHealthChanged(Event):
    """
    A provider, or one of its keys, is cooling down, or is well again.

    Attributes:
        key: The key's name; "" where it is the provider itself.
        reason: The last failure in words, and for what or whom alone it counts.
    """

    provider: str
    key: str
    is_healthy: bool
    reason: str = ""


# --- between processes ----------------------------------------------------------------------


def event_as_dict(event: Event) -> dict[str, Any]:
    """
    Write *event* down for another process.
    """
    return {"type": _name_of(type(event)), "fields": attrs.asdict(event)}


def event_from_dict(told: Mapping[str, Any]) -> Event | None:
    """
    Read what `event_as_dict` wrote; None if this process knows no such event.
    """
    for kind in _kinds(Event):
        if _name_of(kind) == told["type"]:
            fields: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value
                for name, value in told["fields"].items()
            }
            return kind(**fields)
    return None


def _kinds(kind: type[Event]) -> Iterator[type[Event]]:
    # A class with slots is made anew by attrs; the one before it may still be about.
    if "__attrs_attrs__" in vars(kind):
        yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


def _name_of(kind: type[Event]) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"
