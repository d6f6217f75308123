"""
Who may manage the gateway, and what each route asks of them.

Every management route, the core's and the plugins', is a `gateway.registrations.Route` and goes
through `Desk.define`: one without a permission cannot be registered.  A permission is
``<thing>:read`` or ``<thing>:write``; `ROLES` says which role has which, so that a finer role
is one more row.

Credentials are the tokens under ``admin`` in the settings, sent as ``Authorization: Bearer``.
Where there are none, this machine alone is answered, and no page of another origin.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs
import structlog
from aiohttp import hdrs, web

from gateway import codec
from gateway.errors import (
    ConfigError,
    ExchangeError,
    NotAllowed,
    NotAuthenticated,
    NotJson,
    PluginError,
    Problem,
    Refused,
    SecretMissing,
)
from gateway.events import AdminActed, AdminDenied
from gateway.hooks import place_of
from gateway.server import guards

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from gateway.app import Gateway
    from gateway.events import Event
    from gateway.registrations import Route

log = structlog.get_logger("gateway.management")

#: The name of whoever asks, for handlers: a token's name, or ``local`` where none is declared.
ACTOR: Final = web.RequestKey("actor", str)
LOCAL: Final = "local"
PUBLIC: Final = "public"

#: What each role may do; ``*`` stands for every thing, or for every deed.
ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "admin": ("*:*",),
    "viewer": ("*:read",),
}

_PERMISSION: Final = re.compile(r"[a-z][a-z0-9_.-]{0,63}:(read|write)")
_READING: Final = frozenset({"GET", "HEAD"})
_MAX_TOKEN: Final = 4096


def may(role: str, permission: str) -> bool:
    """
    Tell whether *role* has *permission*.
    """
    thing, _, deed = permission.partition(":")
    return any(
        granted in {permission, f"*:{deed}", f"{thing}:*", "*:*"}
        for granted in ROLES.get(role, ())
    )


def check_route(route: Route, plugin: str = "") -> None:
    """
    Check that *route* may be registered.

    Raises:
        PluginError: It has no permission, or stands where it must not.
    """
    wrong = ""
    if route.permission != PUBLIC and not _PERMISSION.fullmatch(route.permission):
        wrong = "needs a permission: <thing>:read, <thing>:write or public"
    elif plugin and not route.path.startswith("/api/"):
        wrong = "must stand below /api/"
    elif route.method == "GET" and route.permission.endswith(":write"):
        wrong = "is a GET, which must not change anything"
    if wrong:
        msg = f"the route {route.name} {wrong}"
        raise PluginError(msg, plugin=plugin or "core", hook="register_routes")


@attrs.frozen(kw_only=True)
class Visitor:
    """
    Who asks.

    Attributes:
        name: The token's name.
    """

    name: str
    role: str


class Desk:
    """
    Lets operators in, and writes down who was not and who changed something.

    Args:
        gateway: Asked for the gateway in force.
        publish: Tells the plugins of an event.
        is_shared: The listener is the callers' own, so that this machine alone is answered.
    """

    def __init__(
        self,
        gateway: Callable[[], Gateway],
        publish: Callable[[Event], Awaitable[None]],
        *,
        is_shared: bool,
    ) -> None:
        self._gateway = gateway
        self._publish = publish
        self._is_shared = is_shared

    def define(self, route: Route, plugin: str = "") -> web.RouteDef:
        """
        Make aiohttp's route of *route*, guarded.

        Raises:
            PluginError: It has no permission, or stands where it must not.
        """
        check_route(route, plugin)

        async def answer(request: web.Request) -> web.StreamResponse:
            return await self._answer(route, request)

        # The core's routes read bodies by themselves, and say when they want one.
        expect = None if plugin else _expect
        return web.route(route.method, route.path, answer, expect_handler=expect)

    async def _answer(self, route: Route, request: web.Request) -> web.StreamResponse:
        try:
            await self._admit(route, request)
            response = await route.handler(request)
        except ExchangeError as error:
            return error_of(error)
        except web.HTTPException as exc:
            sentence = exc.text or exc.reason
            return json_error(
                exc.status, exc.reason.lower().replace(" ", "_"), sentence
            )
        except Exception as exc:  # noqa: BLE001 - told by type and place, as everywhere
            log.error(  # noqa: TRY400 - its text may hold a secret
                "management route failed",
                route=route.name,
                error=type(exc).__name__,
                at=place_of(exc),
            )
            sentence = "The gateway failed over this; its log says where."
            return json_error(500, "internal_error", sentence)
        if route.permission.endswith(":write") and response.status < 400:
            await self._acted(route, request)
        return response

    async def _acted(self, route: Route, request: web.Request) -> None:
        event = AdminActed(
            at=self._gateway().clock.now(),
            actor=request[ACTOR],
            action=route.name,
            target=request.path,
        )
        await self._publish(event)

    # --- who may come in --------------------------------------------------------------------

    async def _admit(self, route: Route, request: web.Request) -> None:
        visitor: Visitor | None = None
        try:
            guards.check_target(request.raw_path)
            visitor = self._visitor(request)
            if visitor is None and route.permission != PUBLIC:
                msg = (
                    "A token that the settings name under admin is required: send "
                    "Authorization: Bearer <token>."
                )
                challenge = {hdrs.WWW_AUTHENTICATE: 'Bearer realm="gatewright"'}
                raise NotAuthenticated(
                    msg, code="admin_token_required", headers=challenge
                )
            if visitor is not None and route.permission != PUBLIC:
                _demand(visitor, route)
        except (NotAuthenticated, NotAllowed):
            await self._denied(route, request, visitor)
            raise
        if request.method not in _READING:
            _demand_json(request)
        request[ACTOR] = visitor.name if visitor is not None else ""

    def _visitor(self, request: web.Request) -> Visitor | None:
        """
        Find out who asks; None if a token is needed and none, or a wrong one, came.

        Raises:
            NotAllowed: From where *request* comes, nobody is answered.
        """
        gateway = self._gateway()
        settings = gateway.settings
        if (self._is_shared or not settings.admin) and not guards.is_loopback(
            guards.peer_of(request)
        ):
            msg = (
                "Management answers this machine only. Operator: set "
                "server.admin_listen and admin."
            )
            raise NotAllowed(msg, code="loopback_only")
        if not settings.admin:
            _check_names(request, settings.server.allowed_hosts)
            return Visitor(name=LOCAL, role="admin")
        return _find_visitor(request.headers.get(hdrs.AUTHORIZATION, ""), gateway)

    async def _denied(
        self, route: Route, request: web.Request, visitor: Visitor | None
    ) -> None:
        event = AdminDenied(
            at=self._gateway().clock.now(),
            actor=visitor.name if visitor is not None else "unknown",
            route=route.name,
            peer=guards.peer_of(request),
        )
        log.warning(
            "management denied", route=event.route, peer=event.peer, actor=event.actor
        )
        await self._publish(event)


async def _expect(request: web.Request) -> None:
    """
    Leave ``Expect: 100-continue`` to whoever reads the body.
    """


def _find_visitor(header: str, gateway: Gateway) -> Visitor | None:
    """
    Compare with every token, so that the time taken does not tell which came close.
    """
    scheme, _, given = header.partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(given) <= _MAX_TOKEN:
        return None
    offered = _hashed(given.strip())
    found = None
    for name, token in gateway.settings.admin.items():
        try:
            secret = gateway.secrets.get(token.secret)
        except SecretMissing as exc:
            log.warning("admin token cannot be had", token=name, why=str(exc))
            continue
        if hmac.compare_digest(offered, _hashed(secret)):
            found = Visitor(name=name, role=token.role)
    return found


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def _check_names(request: web.Request, allowed: Iterable[str]) -> None:
    """
    Demand this machine's name as Host and, where a page asks, as its Origin.

    A page on the web reaches 127.0.0.1 under a name of its own (DNS rebinding).
    """
    door = guards.Door(
        hosts=frozenset(host.lower() for host in allowed) | guards.LOOPBACK_NAMES,
        loopback_only=True,
        is_open=False,
    )
    if not door.admits(request.headers.get(hdrs.HOST, "")):
        msg = "The Host header names no host that is managed here."
        raise NotAllowed(msg, code="host_not_allowed")
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None:
        return
    scheme, _, authority = origin.partition("://")
    if scheme not in {"http", "https"} or not door.admits(authority):
        msg = "Pages of other origins may not manage the gateway."
        raise NotAllowed(msg, code="origin_not_allowed")


def _demand(visitor: Visitor, route: Route) -> None:
    if not may(visitor.role, route.permission):
        msg = (
            f"The token {visitor.name} has the role {visitor.role}, which lacks "
            f"{route.permission}."
        )
        raise NotAllowed(msg, code="permission_required")


def _demand_json(request: web.Request) -> None:
    # A form on another page may send other types without asking first (CSRF).
    kind = request.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise NotJson


# --- answers --------------------------------------------------------------------------------


def json_answer(document: Any, status: int = 200) -> web.Response:
    """
    Answer with *document* as JSON, never to be kept by a cache.
    """
    return web.Response(
        status=status,
        body=codec.dumps(document),
        headers={"Content-Type": "application/json", "Cache-Control": "no-store"},
    )


def json_error(
    status: int,
    code: str,
    message: str,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> web.Response:
    """
    Answer with an error as every management route tells it.
    """
    response = json_answer(
        {"error": {"code": code, "message": message, **more}}, status
    )
    response.headers.update(headers or {})
    return response


def error_of(error: ExchangeError) -> web.Response:
    """
    Answer with *error*.
    """
    more: dict[str, Any] = {}
    problems = error.details.get("problems")
    if problems is not None:
        more["problems"] = problems
    return json_error(error.status, error.code, str(error), error.headers, **more)


class SettingsRejected(Refused):
    """
    New settings were not put in force; those before them still are.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        found = list(problems)
        sentence = "Nothing was changed: " + "; ".join(str(each) for each in found[:3])
        if len(found) > 3:
            sentence += f"; and {len(found) - 3} more"
        super().__init__(
            sentence,
            status=422,
            code="settings_rejected",
            details={"problems": [attrs.asdict(each) for each in found]},
        )

    @property
    def problems(self) -> list[Problem]:
        """
        What is wrong, each with its place.
        """
        return [Problem(**each) for each in self.details["problems"]]

    def as_config_error(self) -> ConfigError:
        """
        Return it as what a start would raise.
        """
        return ConfigError(self.problems)
