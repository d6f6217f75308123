"""
The entries of what happens outside an exchange: events, and what the audit itself does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from gateway import Finding
from gateway.events import (
    AdminActed,
    AdminDenied,
    CallerTurnedAway,
    Event,
    GatewayDraining,
    GatewayStarted,
    GatewayStopped,
    KeyHealthChanged,
    SettingsChanged,
    SettingsRefused,
)
from gateway_audit.entries.exchanges import Head

_MAX_TEXT: Final = 200
_MAX_LIST: Final = 1000
_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
#: Members of any event that stand elsewhere in an entry, or are nobody's business.
_NOT_TOLD: Final = frozenset({"at", "actor", "is_echo"})
#: What a member is called that is left out, whoever's event it is.
_SECRET: Final = re.compile(
    r"secret|token|password|credential|peer|address|mail|value|lookup"
)

Peer = Callable[[str], str | None]


def entry(kind: str, head: Head, **members: Any) -> dict[str, Any]:
    """
    Make an entry of type *kind*, its keys in order.
    """
    at, entry_id = head
    told = {"at": at, "id": entry_id, "seq": 0, "type": kind, "v": 1, "worker": ""}
    return dict(sorted({**told, **members}.items()))


def is_in_outcome(event: Event) -> bool:
    """
    Tell whether *event* says what was found in an exchange, which its outcome says.

    Outcomes of refused requests are counted where there are too many; such events are not.
    """
    found = getattr(event, "findings", ())
    return isinstance(found, tuple) and any(isinstance(one, Finding) for one in found)


def of_event(event: Event, head: Head, peer: Peer) -> dict[str, Any]:
    """
    Make the entry of *event*.

    One that is not known here is told by its class, and by those of its members that are numbers
    or short texts and are not called like a secret.

    Args:
        peer: Returns the pseudonym of an address.
    """
    known = _KNOWN.get(type(event))
    if known is not None:
        kind, members = known
        return entry(kind, head, actor=_text(event.actor), **members(event, peer))
    return entry(
        f"event.{_WORDS.sub('_', type(event).__name__).lower()}",
        head,
        actor=_text(event.actor),
        fields=_fields(event),
    )


def settings_changed(
    event: SettingsChanged, head: Head, body: dict[str, Any] | None
) -> dict[str, Any]:
    """
    Make the entry of other settings.

    Args:
        body: Where the values are kept, and what proves them; None where nobody asks for them.
    """
    members = _changed(event, lambda _: None)
    if body is not None:
        members["body"] = body
    return entry("settings.changed", head, actor=_text(event.actor), **members)


def _started(event: GatewayStarted, peer: Peer) -> dict[str, Any]:
    return {"settings": event.settings_digest, "version": _text(event.version)}


def _nothing(event: Event, peer: Peer) -> dict[str, Any]:
    return {}


def _changed(event: SettingsChanged, peer: Peer) -> dict[str, Any]:
    return {
        "after": event.after,
        "before": event.before,
        "changed": [_text(path) for path in event.changed[:_MAX_LIST]],
    }


def _refused(event: SettingsRefused, peer: Peer) -> dict[str, Any]:
    # A sentence may quote what stands in the file; its place does not.
    return {
        "changed": [_text(each.partition(": ")[0]) for each in event.problems[:50]],
        "problems": len(event.problems),
    }


def _acted(event: AdminActed, peer: Peer) -> dict[str, Any]:
    return {
        "action": _text(event.action),
        "details": {_text(key): _text(each) for key, each in event.details.items()},
        "digests": list(event.digests),
        "target": _text(event.target),
    }


def _denied(event: AdminDenied, peer: Peer) -> dict[str, Any]:
    return {
        "code": "admin_denied",
        "peer": peer(event.peer),
        "route": _text(event.route),
    }


def _turned_away(event: CallerTurnedAway, peer: Peer) -> dict[str, Any]:
    return {
        "code": event.code,
        "dialect": event.dialect or None,
        "method": event.method,
        "op": event.operation or None,
        "outcome": "refused",
        "path": event.path,
        "peer": peer(event.peer),
        "request": event.request_id,
        "status": event.status,
    }


def _health(event: KeyHealthChanged, peer: Peer) -> dict[str, Any]:
    return {
        "healthy": event.is_healthy,
        "provider": event.provider,
        "provider_key": event.key,
        "reason": _text(event.reason),
    }


_Members = Callable[[Any, Peer], dict[str, Any]]
_KNOWN: Final[Mapping[type[Event], tuple[str, _Members]]] = {
    GatewayStarted: ("gateway.started", _started),
    GatewayDraining: ("gateway.draining", _nothing),
    GatewayStopped: ("gateway.stopped", _nothing),
    SettingsChanged: ("settings.changed", _changed),
    SettingsRefused: ("settings.refused", _refused),
    AdminActed: ("admin.acted", _acted),
    AdminDenied: ("auth.denied", _denied),
    CallerTurnedAway: ("turned_away", _turned_away),
    KeyHealthChanged: ("provider_key.health", _health),
}


def _fields(event: Event) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for field in sorted(each.name for each in attrs.fields(type(event))):
        if field in _NOT_TOLD or _SECRET.search(field):
            continue
        value = _value(getattr(event, field))
        if value is not None:
            told[field] = value
    return told


def _value(value: Any) -> Any:
    """
    Return *value* if it may be told, None if not.
    """
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value if len(value) <= _MAX_TEXT else None
    if isinstance(value, tuple):
        told = [_value(each) for each in value[:_MAX_LIST]]
        # A list without some of its members, or an empty one, would say that there are no more.
        return None if None in told else told
    return None


def _text(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"
