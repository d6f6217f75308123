"""
What a caller says about caching, in headers: less than the operator allows, never more.

``Cache-Control`` is HTTP's (RFC 9111 section 5.2.1: no-cache, no-store, max-age); the others are
``x-gw-cache-…``, and Bifrost's ``x-bf-cache-…`` of the same meaning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

import attrs
from multidict import CIMultiDictProxy, istr

from gateway.errors import InvalidRequest

__all__ = ["PLAIN", "Wish", "read_wish"]

Kind = Literal["exact", "semantic"]

_NAMES: Final = ("key", "ttl", "threshold", "type", "no-store", "tags")
#: Each as it may be spelt; as multidict looks names up, which is done for every request.
_SPELT: Final = {
    name: (istr(f"x-gw-cache-{name}"), istr(f"x-bf-cache-{name}")) for name in _NAMES
}
_CONTROL: Final = istr("Cache-Control")
#: All of them, of which most requests have none.
_HEARD: Final = (_CONTROL, *(one for two in _SPELT.values() for one in two))
_DIRECTIVE: Final = re.compile(r'\s*([\w-]+)(?:\s*=\s*"?(\d{1,10})"?)?[^,]*(?:,|$)')
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)?")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
#: Bifrost calls the exact cache direct.
_KINDS: Final[Mapping[str, Kind]] = {
    "exact": "exact",
    "direct": "exact",
    "semantic": "semantic",
}
_MAX_CHARACTERS: Final = 200
_TAG: Final = re.compile(r"[A-Za-z0-9_.:-]{1,40}")
_MAX_TAGS: Final = 8


@attrs.frozen(kw_only=True)
class Wish:
    """
    How one caller wants to be served.

    Attributes:
        reads: An answer that was kept may be given.
        stores: The answer may be kept.
        max_age_s: An answer that is older may not be given.
        ttl_s: How long the answer may be kept.
        threshold: How similar a question must be at least.
        kind: The one cache that may be used.
        beside: A word by which the caller tells its requests apart further.
        tags: Words by which an operator can purge the answer.
    """

    reads: bool = True
    stores: bool = True
    max_age_s: float | None = None
    ttl_s: float | None = None
    threshold: float | None = None
    kind: Kind | None = None
    beside: str = ""
    tags: tuple[str, ...] = ()


#: What a caller wants who says nothing.
PLAIN: Final = Wish()


def read_wish(headers: CIMultiDictProxy[str]) -> Wish:
    """
    Read the wish in *headers*.

    Raises:
        InvalidRequest: 400, a header of ours says something that it cannot say.
    """
    if headers.keys().isdisjoint(_HEARD):
        return PLAIN
    told = {
        name: value
        for name, (ours, theirs) in _SPELT.items()
        if (value := _told(headers, name, ours, theirs)) is not None
    }
    directives = _directives(headers.get(_CONTROL, ""))
    no_store = "no-store" in directives or _is_true(told.get("no-store"))
    return Wish(
        # RFC 9111: no-cache asks for a fresh answer, which may be kept all the same.
        reads="no-cache" not in directives and "no-store" not in directives,
        stores=not no_store,
        max_age_s=directives.get("max-age"),
        ttl_s=_duration(told.get("ttl")),
        threshold=_threshold(told.get("threshold")),
        kind=_kind(told.get("type")),
        beside=told.get("key", ""),
        tags=_tags(told.get("tags", "")),
    )


def _told(headers: Mapping[str, str], name: str, ours: str, theirs: str) -> str | None:
    value = headers.get(ours)
    if value is None:
        value = headers.get(theirs)
        if value is None:
            return None
    if len(value) > _MAX_CHARACTERS:
        raise _wrong(name, f"may have {_MAX_CHARACTERS} characters")
    return value.strip()


def _directives(control: str) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for match in _DIRECTIVE.finditer(control[:_MAX_CHARACTERS]):
        found[match[1].lower()] = None if match[2] is None else float(match[2])
    return found


def _is_true(value: str | None) -> bool:
    if value is None:
        return False
    if value.lower() in {"true", "1", "yes"}:
        return True
    if value.lower() in {"false", "0", "no", ""}:
        return False
    raise _wrong("no-store", "is true or false")


def _duration(value: str | None) -> float | None:
    """
    Read seconds, or a number with ms, s, m, h or d behind it.
    """
    if value is None:
        return None
    match = _DURATION.fullmatch(value)
    if match is None:
        raise _wrong("ttl", "is a number of seconds, or such as 90s, 5m, 1h, 1d")
    return float(match[1]) * _SECONDS[match[2] or "s"]


def _threshold(value: str | None) -> float | None:
    if value is None:
        return None
    try:
        threshold = float(value)
    except ValueError:
        threshold = -1.0
    if not 0.0 <= threshold <= 1.0:
        raise _wrong("threshold", "is a number from 0 to 1")
    return threshold


def _kind(value: str | None) -> Kind | None:
    if value is None:
        return None
    kind = _KINDS.get(value.lower())
    if kind is None:
        raise _wrong("type", "is exact or semantic")
    return kind


def _tags(value: str) -> tuple[str, ...]:
    tags = tuple(dict.fromkeys(filter(None, map(str.strip, value.split(",")))))
    if len(tags) > _MAX_TAGS or not all(map(_TAG.fullmatch, tags)):
        raise _wrong(
            "tags",
            f"has at most {_MAX_TAGS} words of letters, digits and _ . : - between commas",
        )
    return tags


def _wrong(name: str, what: str) -> InvalidRequest:
    return InvalidRequest(f"The header x-gw-cache-{name} {what}.")
