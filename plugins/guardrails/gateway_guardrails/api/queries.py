"""
The parameters and bodies that the routes take; what nobody asked for is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Final, get_args

from aiohttp import web

from gateway.detecting import Severity, Stage
from gateway.management import ApiError, read_json, read_time
from gateway_guardrails.findings.store import Wanted
from gateway_guardrails.policy.attachment import stranger
from gateway_guardrails.policy.guardrail import Action

if TYPE_CHECKING:
    from gateway import CallerKind

#: Parameters of ``/findings`` that a column must equal.
COLUMNS: Final = {
    "guardrail": "guardrail",
    "detector": "detector",
    "type": "type",
    "severity": "severity",
    "action": "action",
    "stage": "stage",
    "request_id": "request_id",
    "key": "key_id",
    "team": "team_id",
    "customer": "customer_id",
}
#: Those of them that a caller's name or id may stand in.
_CALLERS: Final[Mapping[str, CallerKind]] = {
    "key": "virtual_key",
    "team": "team",
    "customer": "customer",
}
#: Those of them that have few words, which are told to whoever writes another.
_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "severity": get_args(Severity),
    "action": get_args(Action),
    "stage": get_args(Stage),
}
MAX_LIMIT: Final = 1_000
_MAX_WORD: Final = 256


def findings_wanted(
    request: web.Request, find_caller: Callable[[CallerKind, str], str | None]
) -> tuple[Wanted, list[str]]:
    """
    Read which findings are asked for.

    Args:
        find_caller: See `gateway.Gateway.find_caller`.

    Returns:
        Beside that a sentence for each name that nobody bears.

    Raises:
        ApiError: 400.
    """
    others = {"since", "until", "cursor", "limit", "shadow"}
    query = _query(request, {*COLUMNS, *others})
    strangers = []
    for name, kind in _CALLERS.items():
        if name in query:
            found = find_caller(kind, query[name])
            if found == "":
                strangers.append(stranger(kind, query[name]))
            # Of who is gone the findings may still be there, by its id.
            query[name] = found or query[name]
    equal: list[tuple[str, object]] = [
        (column, query[name]) for name, column in COLUMNS.items() if name in query
    ]
    for name, words in _WORDS.items():
        if name in query and query[name] not in words:
            raise refused(f"?{name}: must be one of {' '.join(words)}.")
    if "shadow" in query:
        equal.append(("is_shadow", _flag(query["shadow"])))
    wanted = Wanted(
        since=_moment(query, "since"),
        until=_moment(query, "until"),
        equal=tuple(equal),
        before=_whole(query, "cursor", None, most=1 << 62),
        limit=_whole(query, "limit", 100, most=MAX_LIMIT) or 100,
    )
    return wanted, strangers


async def body_of(
    request: web.Request, known: Collection[str], *, required: Collection[str] = ()
) -> dict[str, Any]:
    """
    Read a body that is an object with some of the members *known*.

    Raises:
        ApiError: 400.
    """
    body = await read_json(request)
    if not isinstance(body, dict):
        raise refused("The body must be a JSON object.")
    for name in body:
        if name not in known:
            told = f"{name[:64]}: unknown; known are {' '.join(sorted(known))}."
            raise refused(told)
    for name in required:
        if name not in body:
            raise refused(f"{name}: required, but missing.")
    return body


def text_in(body: dict[str, Any], name: str, *, most: int) -> str:
    """
    Return the text *name* of *body*.

    Raises:
        ApiError: 400.
    """
    told = body.get(name)
    if not isinstance(told, str):
        raise refused(f"{name}: must be a text.")
    if len(told) > most:
        raise refused(f"{name}: has {len(told)} characters; at most {most}.")
    return told


def refused(message: str) -> ApiError:
    """
    Make the answer to what is malformed.
    """
    return ApiError(400, "invalid_request", message)


def _query(request: web.Request, known: Collection[str]) -> dict[str, str]:
    for name in request.query:
        if name not in known:
            told = f"?{name[:64]}: unknown; known are {' '.join(sorted(known))}."
            raise refused(told)
        if len(request.query.getall(name)) > 1:
            raise refused(f"?{name}: stands twice.")
    return {name: value[:_MAX_WORD] for name, value in request.query.items() if value}


def _whole(
    query: dict[str, str], name: str, default: int | None, *, most: int
) -> int | None:
    told = query.get(name)
    if told is None:
        return default
    if not (told.isascii() and told.isdigit() and 1 <= int(told[:20]) <= most):
        raise refused(f"?{name}: must be a whole number from 1 to {most}.")
    return int(told)


def _flag(told: str) -> bool:
    if told not in ("true", "false"):
        raise refused("?shadow: must be true or false.")
    return told == "true"


def _moment(query: dict[str, str], name: str) -> float | None:
    told = query.get(name)
    if told is None:
        return None
    try:
        return read_time(told)
    except ValueError as exc:
        raise refused(f"?{name}: {exc}.") from None
