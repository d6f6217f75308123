"""
A record as an event in the Common Event Format, version 0 (ArcSight's; here as of revision 25).

A line, whatever an entry says: what could end it, or begin another field, is escaped or replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from gateway_audit.sinks.gravity import result, severity
from gateway_audit.sinks.records import Record

#: Characters of one value; more is cut.
MAX_VALUE: Final = 1023

# All of Unicode's control, format and separator characters but the space, and half characters.
_ODD: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff]"
)
_LEVELS: Final = {1: 1, 2: 3, 3: 6, 4: 8, 5: 10}
#: An entry's member, and the key that it has here.
_MEMBERS: Final = (
    ("act", "action"),
    ("app", "op"),
    ("outcome", "outcome"),
    ("reason", "code"),
    ("request", "path"),
    ("requestMethod", "method"),
    ("duid", "key"),
    ("suid", "subject"),
    ("suser", "actor"),
    ("shost", "peer"),
)
#: Custom texts: number, label, member.
_TEXTS: Final = (
    (3, "requestId", "request"),
    (4, "target", "target"),
    (5, "model", "model"),
    (6, "team", "team"),
)
_NUMBERS: Final = ((2, "status", "status"), (3, "costNano", "cost_nano"))


def encode(record: Record, entry: Mapping[str, Any]) -> str:
    """
    Write *record* as one line, without its end.

    Args:
        entry: What it says: `Record.entry`.
    """
    kind = str(entry["type"])
    grave = _LEVELS[int(severity(entry))]
    header = (kind, f"Gatewright {kind}", str(grave))
    front = "|".join(escape_header(each) for each in header)
    back = " ".join(
        f"{key}={escape_value(value)}" for key, value in _pairs(record, entry)
    )
    return f"CEF:0|Gatewright|Gatewright|1|{front}|{back}"


def escape_header(text: str) -> str:
    """
    Write a field of the header; line breaks may not stand in one.
    """
    return _plain(text).replace("\\", "\\\\").replace("|", "\\|")


def escape_value(value: Any) -> str:
    """
    Write a value of the extension.
    """
    text = str(value)[:MAX_VALUE].replace("\\", "\\\\").replace("=", "\\=")
    parts = re.split(r"(\r|\n)", text)
    marks = {"\r": "\\r", "\n": "\\n"}
    return "".join(marks.get(part) or _plain(part) for part in parts)


def _plain(text: str) -> str:
    return _ODD.sub("?", text)


def _pairs(record: Record, entry: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    marks = record.marks
    yield "rt", record.at_ms
    yield "externalId", entry.get("id") or record.id
    yield "cs1Label", "logOrigin"
    yield "cs1", record.origin
    if record.kind == "checkpoint":
        yield "cn1Label", "treeSize"
        yield "cn1", record.index
        yield "cs2Label", "rootHash"
        yield "cs2", marks["root_hash"]
        yield "msg", record.raw.decode(errors="replace")
        return
    yield "cn1Label", "index"
    yield "cn1", record.index
    yield "cs2Label", "leafHash"
    yield "cs2", marks["leaf_hash"]
    yield from _members(entry)


def _members(entry: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, member in _MEMBERS:
        if entry.get(member) is not None:
            yield key, entry[member]
    for number, label, member in _TEXTS:
        if entry.get(member) is not None:
            yield f"cs{number}Label", label
            yield f"cs{number}", entry[member]
    for number, label, member in _NUMBERS:
        if type(entry.get(member)) is int:
            yield f"cn{number}Label", label
            yield f"cn{number}", entry[member]
    yield "cat", result(entry).name.lower()
