"""
How grave an entry is, and how what it tells of went.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final


class Severity(IntEnum):
    """
    As OCSF counts.
    """

    INFORMATIONAL = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5


class Result(IntEnum):
    """
    As OCSF counts.
    """

    UNKNOWN = 0
    SUCCESS = 1
    FAILURE = 2


_BY_TYPE: Final[Mapping[str, Severity]] = {
    "log.truncated": Severity.CRITICAL,
    "gap": Severity.HIGH,
    "unreadable": Severity.HIGH,
    "auth.denied": Severity.MEDIUM,
    "settings.refused": Severity.LOW,
    "turned_away": Severity.LOW,
    "refusals": Severity.LOW,
}


def severity(entry: Mapping[str, Any]) -> Severity:
    """
    Tell how grave *entry* is.
    """
    known = _BY_TYPE.get(str(entry.get("type")))
    if known is not None:
        return known
    if result(entry) is Result.FAILURE:
        return Severity.LOW
    return Severity.INFORMATIONAL


def result(entry: Mapping[str, Any]) -> Result:
    """
    Tell how it went.
    """
    if entry.get("code") is not None:
        return Result.FAILURE
    status = entry.get("status")
    if type(status) is int:
        return Result.SUCCESS if status < 400 else Result.FAILURE
    if entry.get("type") == "outcome":
        return Result.UNKNOWN
    return Result.SUCCESS
