"""
A record in the vocabulary of OCSF: class API Activity (6003), with the profile ai_operation.

Source: https://github.com/ocsf/ocsf-schema, ``events/application/api_activity.json`` and
``profiles/ai_operation.json`` of 1.9.0-dev.  What the schema has no word for stands in
``unmapped``; the exact bytes stand in ``raw_data``, so that whoever has the event can compute the
leaf's hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from gateway import codec
from gateway_audit.sinks.gravity import result, severity
from gateway_audit.sinks.records import Record

VERSION: Final = "1.9.0-dev"
CATEGORY_UID: Final = 6
CLASS_UID: Final = 6003
_OTHER: Final = 99
_ACTIVITIES: Final[Mapping[str, tuple[int, str]]] = {
    "body.read": (2, "Read"),
    "export": (2, "Read"),
    "read": (2, "Read"),
    "admin.acted": (3, "Update"),
    "settings.changed": (3, "Update"),
    "keys.changed": (3, "Update"),
    "erasure": (4, "Delete"),
    "retention": (4, "Delete"),
}
#: Types that tell of a model being asked.
_OF_MODELS: Final = frozenset({"intent", "outcome"})
#: Buckets of usage that the answer's tokens stand in, and the others that hold tokens.
_OUTPUT: Final = ("output", "reasoning", "output_audio", "output_image")
_INPUT: Final = (
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "input_audio",
    "input_image",
)


def encode(record: Record) -> bytes:
    """
    Write *record* as JSON.
    """
    return codec.dumps(event(record))


def event(record: Record) -> dict[str, Any]:
    """
    Return *record* as an event.
    """
    entry = record.entry()
    kind = str(entry["type"])
    activity_id, activity = _ACTIVITIES.get(kind, (_OTHER, kind))
    grave, went = severity(entry), result(entry)
    told = {
        "activity_id": activity_id,
        "activity_name": activity,
        "category_name": "Application Activity",
        "category_uid": CATEGORY_UID,
        "class_name": "API Activity",
        "class_uid": CLASS_UID,
        "type_uid": CLASS_UID * 100 + activity_id,
        "severity": grave.name.capitalize(),
        "severity_id": int(grave),
        "status": went.name.capitalize(),
        "status_id": int(went),
        "status_code": _text(entry.get("code") or entry.get("status")),
        "time": record.at_ms,
        "duration": _milliseconds(entry.get("duration_us")),
        "actor": _actor(entry),
        "api": _api(kind, entry),
        "src_endpoint": {"uid": _text(entry.get("peer")) or "unknown"},
        "metadata": _metadata(record, kind, entry),
        "raw_data": record.raw.decode(errors="replace"),
        "unmapped": {**record.marks, "entry_type": kind},
    }
    if kind in _OF_MODELS:
        told.update(_operation(entry))
    return _without_none(told)


def _metadata(record: Record, kind: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "correlation_uid": _text(entry.get("request")),
        "event_code": kind,
        "log_name": record.origin,
        "log_provider": "gatewright-audit",
        "product": {"name": "Gatewright", "vendor_name": "Gatewright"},
        "profiles": ["ai_operation"] if kind in _OF_MODELS else [],
        "sequence": record.index,
        "uid": _text(entry.get("id")) or record.id,
        "version": VERSION,
    }


def _actor(entry: Mapping[str, Any]) -> dict[str, Any]:
    user = {
        "uid": _text(entry.get("subject")),
        "name": _text(entry.get("actor")),
        "credential_uid": _text(entry.get("key")),
        "groups": [
            {"uid": uid, "type": kind}
            for kind in ("team", "customer")
            if (uid := _text(entry.get(kind)))
        ]
        or None,
    }
    said = _without_none(user)
    # The schema demands one of its members.
    return {"user": said} if said else {"app_name": "gatewright"}


def _api(kind: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    said = (entry.get("op"), entry.get("action"), entry.get("route"))
    return {
        "operation": next((_text(each) for each in said if each), kind),
        "request": {"uid": _text(entry.get("request")) or _text(entry.get("id")) or ""},
        "response": _without_none(
            {
                "code": _number(entry.get("status")),
                "error": _text(entry.get("code")),
            }
        )
        or None,
        "service": {"name": "gatewright"},
    }


def _operation(entry: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the members of the profile ai_operation.
    """
    attempts = entry.get("attempts") or []
    last = attempts[-1] if attempts else entry
    target = _text(last.get("target")) or ""
    provider, _, model = target.partition("/")
    said: dict[str, Any] = {}
    name = model or _text(entry.get("model"))
    if name:
        said["ai_model"] = {"ai_provider": provider or "unknown", "model_name": name}
    if last.get("stop"):
        said["stop_reason"] = _text(last["stop"])
        said["stop_reason_id"] = _OTHER
    usage = last.get("usage")
    if isinstance(usage, Mapping):
        prompt, completion = _sum(usage, _INPUT), _sum(usage, _OUTPUT)
        said["message_context"] = {
            "ai_role_id": 2,
            "completion_tokens": completion,
            "prompt_tokens": prompt,
            "service": {"name": provider or "unknown"},
            "total_tokens": prompt + completion,
        }
    return said


def _sum(usage: Mapping[str, Any], buckets: Iterable[str]) -> int:
    return sum(_number(usage.get(name)) or 0 for name in buckets)


def _milliseconds(value: Any) -> int | None:
    return value // 1000 if type(value) is int else None


def _number(value: Any) -> int | None:
    return value if type(value) is int else None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _without_none(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(value) if isinstance(value, dict) else value
        for key, value in told.items()
        if value is not None
    }
