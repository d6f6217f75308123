"""
The management API of the cache, below ``/api/cache``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from gateway import Route
from gateway.management import (
    ApiError,
    ApiRoot,
    actor_of,
    json_response,
    note_change,
    read_json,
)
from gateway_caching.stores import StoreDown, Wanted

if TYPE_CHECKING:
    from gateway import CallerKind, Gateway
    from gateway_caching.shelf import Shelf

__all__ = ["routes"]

_API: Final = ApiRoot("cache")
_WORDS: Final = ("id", "key", "team", "customer", "model", "tag", "word")
_KNOWN: Final = (*_WORDS, "older_than_s", "all")
#: Whose entries may be meant, and what the gateway calls such callers.
_CALLERS: Final[Mapping[str, CallerKind]] = {
    "key": "virtual_key",
    "team": "team",
    "customer": "customer",
}
_MAX_CHARACTERS: Final = 200
_MAX_DAYS: Final = 400


def routes(shelf: Callable[[], Shelf]) -> Iterator[Route]:
    """
    Make the routes.

    Args:
        shelf: Finds the cache once it is open.
    """
    api = CacheRoutes(shelf)
    yield _API.route(
        "GET",
        "/stats",
        api.stats,
        "What the cache holds and what it saved, day by day.",
    )
    yield _API.route(
        "POST",
        "/purge",
        api.purge,
        "Let entries go: by id, key, team, customer, model, tag, word or age.",
    )
    # Bifrost's own routes for the same.
    yield _API.route("DELETE", "/clear/{id}", api.clear, "Let the entry of this id go.")
    yield _API.route(
        "DELETE",
        "/clear-by-key/{word}",
        api.clear,
        "Let the entries go that callers told apart by this word.",
    )


class CacheRoutes:
    """
    Answers.
    """

    def __init__(self, shelf: Callable[[], Shelf]) -> None:
        self._shelf = shelf

    async def stats(self, request: web.Request) -> web.Response:
        """
        Tell what there is and what it saved.
        """
        shelf = self._shelf()
        try:
            count, size = await shelf.pantry.store.size()
            held: dict[str, Any] = {"entries": count, "bytes": size, "is_down": False}
        except StoreDown:
            held = {"entries": None, "bytes": None, "is_down": True}
        days = await shelf.days.totals(_days_asked(request))
        return json_response(
            {
                "store": {"kind": shelf.settings.store, **held},
                "days": [_told(day) for day in days],
                "not_kept_here": shelf.tally.unkept,
            }
        )

    async def purge(self, request: web.Request) -> web.Response:
        """
        Let go of what the body says.
        """
        document = await read_json(request)
        wanted = read_wanted(document, self._shelf())
        return await self._purged(request, wanted, document)

    async def clear(self, request: web.Request) -> web.Response:
        """
        Let go of what the path says.
        """
        document = dict(request.match_info)
        wanted = read_wanted(document, self._shelf())
        return await self._purged(request, wanted, document)

    async def _purged(
        self, request: web.Request, wanted: Wanted, document: Mapping[str, Any]
    ) -> web.Response:
        shelf = self._shelf()
        try:
            count = await shelf.purge(wanted, actor=actor_of(request).name)
        except StoreDown:
            msg = "The store cannot be reached, so nothing is known to be gone."
            raise ApiError(503, "store_down", msg) from None
        details = {name: str(value)[:50] for name, value in document.items()}
        note_change(request, "caching.entries", details=details)
        strangers = list(_strangers(document, shelf.gateway))
        return json_response({"purged": count, "strangers": strangers})


def read_wanted(document: Any, shelf: Shelf) -> Wanted:
    """
    Read which entries are meant.

    Raises:
        ApiError: 400, nothing is meant, or something that there is not.
    """
    if not isinstance(document, dict):
        raise _wrong("the body is an object")
    for name, value in document.items():
        if name not in _KNOWN:
            raise _wrong(f"{str(name)[:40]!r} is not known: {', '.join(_KNOWN)}")
        if name in _WORDS and not (
            isinstance(value, str) and 0 < len(value) <= _MAX_CHARACTERS
        ):
            raise _wrong(f"{name} is a text of 1 to {_MAX_CHARACTERS} characters")
    owners = [name for name in _CALLERS if name in document]
    if len(owners) > 1 or ("tag" in document and "word" in document):
        raise _wrong("name one of key, team, customer, and one of tag, word")
    if not document or (set(document) == {"all"} and document["all"] is not True):
        raise _wrong('say what is to go, or {"all": true}')
    word = document.get("word")
    age_s = document.get("older_than_s")
    if "older_than_s" in document and (
        isinstance(age_s, bool) or not isinstance(age_s, int | float) or age_s < 0
    ):
        raise _wrong("older_than_s is a number of seconds")
    keys = shelf.keys
    partition = None
    if owners:
        (owner,) = owners
        told = document[owner]
        # Of who is gone the entries may still be there, by its id.
        owner_id = shelf.gateway.find_caller(_CALLERS[owner], told) or told
        partition = keys.owner(owner, owner_id)
    return Wanted(
        exact=document.get("id"),
        partition=partition,
        model=document.get("model"),
        tag=document.get("tag") if word is None else keys.tag_of(word),
        created_before=None if age_s is None else shelf.gateway.clock.now() - age_s,
    )


def _strangers(document: Mapping[str, Any], gateway: Gateway) -> Iterator[str]:
    """
    Say of each name in *document* that it is nobody's, if it is.
    """
    for owner, kind in _CALLERS.items():
        if owner in document and gateway.find_caller(kind, document[owner]) == "":
            yield f"no {kind.replace('_', ' ')} is called {document[owner][:64]}"


def _days_asked(request: web.Request) -> int:
    told = request.query.get("days", "30")
    if not (told.isascii() and told.isdigit() and 1 <= int(told) <= _MAX_DAYS):
        raise _wrong(f"days is a number from 1 to {_MAX_DAYS}")
    return int(told)


def _told(day: Mapping[str, Any]) -> dict[str, Any]:
    told = dict(day)
    told["saved_usd"] = told.pop("saved_nano") / 1e9
    return told


def _wrong(what: str) -> ApiError:
    return ApiError(400, "invalid_request", f"{what[0].upper()}{what[1:]}.")
