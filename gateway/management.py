"""
What a handler of a management route needs: who asks, what was sent, how to answer.

The core's routes and the plugins' go by it, so that there is one shape for all.  `ApiRoot`
makes the routes.  A handler is an aiohttp handler; it is called once the caller was let in, with
the route's permission::

    async def create(request: web.Request) -> web.Response:
        document = await read_json(request)
        key = convert(document)                  # the plugin's own: unknown keys are its matter
        note_change(request, f"governance.virtual_key/{key.name}", after=key.as_dict())
        log.info("key created", by=actor_of(request).name)
        return json_response(key.as_dict(), 201)

An error is ``{"error": {"code": ..., "message": ..., ...}}`` with its status, and is raised:
`ApiError`, or any other `gateway.errors.ExchangeError`.

A ``public`` route is called whoever asks, on the callers' listener too, by that listener's rules;
its caller's own credential (a virtual key, for what is left of its budget) is the handler's to find
in ``request.headers``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import attrs
from aiohttp import hdrs, web

from gateway import codec
from gateway.errors import ExchangeError, InvalidRequest, Refused
from gateway.registrations import Route
from gateway.server.body import read_body

if TYPE_CHECKING:
    from gateway.settings import ServerSettings

__all__ = [
    "LOCAL",
    "MAX_BODY_BYTES",
    "MAX_CHANGE_BYTES",
    "PUBLIC",
    "ROLES",
    "Actor",
    "ApiError",
    "ApiRoot",
    "Change",
    "actor_of",
    "change_of",
    "error_response",
    "introduce",
    "json_response",
    "may",
    "note_change",
    "read_json",
    "read_time",
    "take_change",
]

#: The name of whoever asks where no admin token is declared.
LOCAL: Final = "local"
#: The permission of routes that ask for nothing.
PUBLIC: Final = "public"
#: Bytes that `read_json` reads at most, unless told otherwise.
MAX_BODY_BYTES: Final = 1024 * 1024
#: Bytes that what `note_change` tells may have, as JSON: it travels in a header.
MAX_CHANGE_BYTES: Final = 2000

#: What each role may do; ``*`` stands for every thing, or for every deed.
ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "admin": ("*:*",),
    "viewer": ("*:read",),
}


# --- routes ---------------------------------------------------------------------------------


@attrs.frozen
class ApiRoot:
    """
    Makes the routes below ``/api/<word>``, and *word* the thing that their permissions name.

    ::

        api = ApiRoot("bells")
        yield api.route("GET", "", bells.list, "Lists bells.")             # bells:read
        yield api.route("POST", "/{name}/ring", bells.ring, "Rings one.")  # bells:write
    """

    word: str

    def route(
        self,
        method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"],
        path: str,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
        summary: str,
        *,
        permission: str | None = None,
    ) -> Route:
        """
        Make one route.

        Args:
            path: What comes after ``/api/<word>``.
            permission: Left out, a ``GET`` reads and everything else writes.
        """
        deed = "read" if method == "GET" else "write"
        return Route(
            method=method,
            path=f"/api/{self.word}{path}",
            permission=permission or f"{self.word}:{deed}",
            handler=handler,
            summary=summary,
        )


# --- who asks -------------------------------------------------------------------------------


def may(role: str, permission: str) -> bool:
    """
    Tell whether *role* has *permission*, ``<thing>:read`` or ``<thing>:write``.
    """
    thing, _, deed = permission.partition(":")
    return any(
        granted in {permission, f"*:{deed}", f"{thing}:*", "*:*"}
        for granted in ROLES.get(role, ())
    )


@attrs.frozen(kw_only=True)
class Actor:
    """
    Who asks.

    Attributes:
        name: The admin token's name, `LOCAL` where none is declared; "" for a stranger on a
            ``public`` route.
        role: ``admin``, ``viewer``; "" for a stranger.
        peer: The network address.
    """

    name: str = ""
    role: str = ""
    peer: str = ""

    @property
    def is_known(self) -> bool:
        """
        Whether it is an operator, not a stranger on a ``public`` route.
        """
        return bool(self.name)

    def may(self, permission: str) -> bool:
        """
        Tell whether it has *permission*, beyond the one that the route asks for.
        """
        return may(self.role, permission)


_ACTOR: Final = web.RequestKey("actor", Actor)
_LIMITS: Final[Any] = web.RequestKey("limits", object)


def actor_of(request: web.Request) -> Actor:
    """
    Return who asks.

    Raises:
        LookupError: *request* did not come in by the management API.
    """
    try:
        return request[_ACTOR]
    except KeyError:
        msg = "nobody was let in: the request did not come in by the management API"
        raise LookupError(msg) from None


def introduce(request: web.Request, actor: Actor, limits: ServerSettings) -> None:
    """
    Say who asks; for whoever lets callers in, and for tests of handlers.

    Args:
        limits: What `read_json` goes by.
    """
    request[_ACTOR] = actor
    request[_LIMITS] = limits


# --- what was sent --------------------------------------------------------------------------


async def read_json(
    request: web.Request,
    *,
    max_bytes: int = MAX_BODY_BYTES,
    default: Any = None,
    exact: bool = False,
) -> Any:
    """
    Read the JSON document that *request* brings.

    No key stands twice in it and it is not nested deeper than `gateway.codec.MAX_DEPTH`.
    Whether each key is known is for the caller to check, who refuses them by name.

    Args:
        max_bytes: The most that is read, decompressed; never above ``server.max_body_bytes``.
        default: Returned where there is no body; None makes that an error.
        exact: Numbers with a fraction are `decimal.Decimal`, for amounts of money.

    Raises:
        InvalidRequest: 400 ``invalid_json``.
        NotJson: 415; another content type.
        BodyTooLarge: 413.
        BodyTimeout: 408.
    """
    limits: ServerSettings = request[_LIMITS]
    most = min(max_bytes, limits.max_body_bytes)
    raw = await read_body(request, attrs.evolve(limits, max_body_bytes=most))
    if default is not None and not raw.strip():
        return default
    try:
        return codec.read_exact(raw) if exact else codec.read(raw)
    except codec.JsonError as exc:
        msg = f"The body is {exc}."
        raise InvalidRequest(msg, code="invalid_json") from None


def read_time(text: str) -> float:
    """
    Read a time that stands in a query, in RFC 3339, or a day; one without its zone is UTC.

    Returns:
        Unix seconds.

    Raises:
        ValueError: It is none; says what one looks like.
    """
    try:
        # A + in a query that nobody escaped arrives as a blank.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        msg = "must be a time as 2026-12-31T10:00:00Z, or a day"
        raise ValueError(msg) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


# --- what was changed -----------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Change:
    """
    What a handler changed, for `gateway.events.AdminActed`.

    Attributes:
        target: ``governance.virtual_key/checkout-prod``.
        digests: Hashes of its state before and after; "" where there was, or is, none.
        details: What else an audit may say of it; no secret.
    """

    target: str
    digests: tuple[str, str] = ("", "")
    details: Mapping[str, str] = attrs.field(factory=dict)


_CHANGE: Final = web.RequestKey("change", Change)


def note_change(
    request: web.Request,
    target: str,
    *,
    before: Any = None,
    after: Any = None,
    details: Mapping[str, str] | None = None,
) -> None:
    """
    Say what a handler changed; `gateway.events.AdminActed` tells it once the answer is made.

    Without this the event names the request's path.

    Args:
        before: Its state as a document, of which only a hash is told; None if there was none.
        after: Likewise, None if it is gone.

    Raises:
        ValueError: *target* and *details* are longer than `MAX_CHANGE_BYTES` together.
    """
    change = Change(
        target=target,
        digests=(_digest(before), _digest(after)),
        details=dict(details or {}),
    )
    if len(codec.dumps(attrs.asdict(change))) > MAX_CHANGE_BYTES:
        msg = f"a change is told in at most {MAX_CHANGE_BYTES} bytes"
        raise ValueError(msg)
    request[_CHANGE] = change


def change_of(request: web.Request) -> Change | None:
    """
    Return what the handler of *request* noted.
    """
    return request.get(_CHANGE)


def take_change(request: web.Request, change: Change) -> None:
    """
    Keep what a handler in another process noted.
    """
    request[_CHANGE] = change


def _digest(document: Any) -> str:
    if document is None:
        return ""
    return hashlib.sha256(codec.dumps(document)).hexdigest()


# --- answers --------------------------------------------------------------------------------


def json_response(
    document: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """
    Answer with *document* as JSON, never to be kept by a cache.
    """
    told = {
        hdrs.CONTENT_TYPE: "application/json",
        hdrs.CACHE_CONTROL: "no-store",
        **(headers or {}),
    }
    return web.Response(status=status, body=codec.dumps(document), headers=told)


class ApiError(Refused):
    """
    What a management route answers instead, by any status.

    Args:
        status: The HTTP status.
        code: One word for programs: ``virtual_key_not_found``.
        message: One sentence for people: what was wrong, where, what to do; no secret.
        headers: More headers.
        fields: JSON values that stand beside code and message.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "invalid_request"

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(
            message, status=status, code=code, headers=headers, details=fields
        )


def error_response(error: ExchangeError) -> web.Response:
    """
    Answer with *error*, in the shape of every management route.
    """
    told: dict[str, Any] = {"code": error.code, "message": str(error)}
    if isinstance(error, ApiError):
        told |= error.details
    elif "problems" in error.details:
        told["problems"] = error.details["problems"]
    headers = dict(error.headers)
    if error.retry_after_s is not None:
        headers.setdefault(hdrs.RETRY_AFTER, str(max(1, ceil(error.retry_after_s))))
    return json_response({"error": told}, error.status, headers)
