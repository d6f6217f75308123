"""
What a request for entries asks for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from aiohttp import web

from gateway.management import ApiError, read_time
from gateway_audit.entries.kinds import KINDS, OF_PLUGINS, may_be_kind
from gateway_audit.index.reading import EQUAL, Search

MAX_LIMIT: Final = 1000
MAX_DOWNLOAD: Final = 20_000
_MAX_TEXT: Final = 300
#: -1 is before the first.
_NUMBER: Final = re.compile(r"\d{1,18}|-1")
_KNOWN: Final = frozenset(
    {*EQUAL, "key", "since", "until", "before", "after", "limit", "format"}
)


def read_search(
    query: Mapping[str, str], word: Callable[[str], str]
) -> tuple[Search, int, str]:
    """
    Read what is looked for, how many entries at most, and in which form.

    Args:
        word: The keyed hash under which a caller's own request id stands in the log.

    Raises:
        ApiError: 400; names every parameter that is wrong.
    """
    wrong = [f"{name[:80]}: unknown" for name in query if name not in _KNOWN]
    wrong += [
        f"{name[:80]}: too long" for name in query if len(query[name]) > _MAX_TEXT
    ]
    if query.get("type") and not may_be_kind(query["type"]):
        wrong.append(f"type: there are {', '.join(KINDS)}, and plugins' {OF_PLUGINS}…")
    form = query.get("format", "json")
    if form not in {"json", "jsonl", "csv"}:
        wrong.append("format: must be json, jsonl or csv")
    most = MAX_LIMIT if form == "json" else MAX_DOWNLOAD
    numbers = {name: _number(query, name, wrong) for name in ("before", "after")}
    limit = _number(query, "limit", wrong)
    if limit is not None and not 1 <= limit <= most:
        wrong.append(f"limit: must be from 1 to {most}")
    if None not in numbers.values():
        wrong.append("before: not together with after")
    times = {name: _moment(query, name, wrong) for name in ("since", "until")}
    if wrong:
        told = "; ".join(wrong[:5])
        raise ApiError(400, "invalid_query", f"The query is wrong: {told}.")
    equal = {name: query[name] for name in sorted(EQUAL) if query.get(name)}
    if "client_request" in equal and not equal["client_request"].startswith("~"):
        equal["client_request"] = word(equal["client_request"])
    search = Search(equal=equal, key=query.get("key") or None, **numbers, **times)
    return search, limit or (100 if form == "json" else most), form


def single(request: web.Request) -> dict[str, str]:
    """
    Return the query's parameters.

    Raises:
        ApiError: 400; one stands twice.
    """
    if len(set(request.query)) != len(request.query):
        raise ApiError(400, "invalid_query", "A parameter stands twice in the query.")
    return dict(request.query)


def _number(query: Mapping[str, str], name: str, wrong: list[str]) -> int | None:
    told = query.get(name)
    if told is None:
        return None
    if not _NUMBER.fullmatch(told):
        wrong.append(f"{name}: must be a whole number")
        return None
    return int(told)


def _moment(query: Mapping[str, str], name: str, wrong: list[str]) -> Any:
    """
    Read a time as Unix milliseconds.
    """
    told = query.get(name)
    if told is None:
        return None
    try:
        return int(read_time(told) * 1000)
    except ValueError as exc:
        wrong.append(f"{name}: {exc}")
        return None
