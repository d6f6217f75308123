"""
Who may manage the gateway, and what each route asks of them.

Every management route, the core's and the plugins', is a `gateway.registrations.Route` and goes
through `Desk.define`: one without a permission cannot be registered.  A permission is
``<thing>:read`` or ``<thing>:write``; `gateway.management.ROLES` says which role has which, so
that a finer role is one more row.

Credentials are the tokens under ``admin`` in the settings, sent as ``Authorization: Bearer``.
Where there are none, this machine alone is answered, and no page of another origin.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final

import attrs
import structlog
from aiohttp import hdrs, web

from gateway.errors import (
    ConfigError,
    ExchangeError,
    NotAllowed,
    NotAuthenticated,
    NotJson,
    PluginError,
    Problem,
    SecretMissing,
)
from gateway.events import AdminActed, AdminDenied
from gateway.management import (
    LOCAL,
    PUBLIC,
    Actor,
    ApiError,
    Change,
    actor_of,
    change_of,
    error_response,
    introduce,
    may,
)
from gateway.raised import place_of
from gateway.server import guards
from gateway.server.body import invite

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from gateway.app import Gateway
    from gateway.events import Event
    from gateway.registrations import Route

log = structlog.get_logger("gateway.management")

_PERMISSION: Final = re.compile(r"[a-z][a-z0-9_.-]{0,63}:(read|write)")
_READING: Final = frozenset({"GET", "HEAD"})
_MAX_TOKEN: Final = 4096


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


class Desk:
    """
    Lets operators in, and writes down who was not and who changed something.

    Args:
        gateway: Asked for the gateway in force.
        publish: Tells the plugins of an event.
        tell: Likewise, and waits until they are done with it.
        is_shared: The listener is the callers' own, so that this machine alone is answered.
    """

    def __init__(
        self,
        gateway: Callable[[], Gateway],
        publish: Callable[[Event], Awaitable[None]],
        tell: Callable[[Event], Awaitable[None]],
        *,
        is_shared: bool,
    ) -> None:
        self._gateway = gateway
        self._publish = publish
        self._tell = tell
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

        return web.route(
            route.method, route.path, answer, expect_handler=expect_nothing
        )

    async def _answer(self, route: Route, request: web.Request) -> web.StreamResponse:
        async def admit(request: web.Request) -> None:
            await self._admit(route, request)

        response = await attend(route, request, admit)
        if route.permission.endswith(":write") and response.status < 400:
            try:
                await self._acted(route, request)
            except ExchangeError as error:
                return error_response(error)
        return response

    async def _acted(self, route: Route, request: web.Request) -> None:
        change = change_of(request) or Change(target=request.path)
        event = AdminActed(
            at=self._gateway().clock.now(),
            actor=actor_of(request).name,
            action=route.name,
            target=change.target,
            digests=change.digests,
            details=change.details,
        )
        await self._tell(event)

    # --- who may come in --------------------------------------------------------------------

    async def _admit(self, route: Route, request: web.Request) -> None:
        visitor: Actor | None = None
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
        demand_json(request)
        actor = visitor or Actor(peer=guards.peer_of(request))
        introduce(request, actor, self._gateway().settings.server)

    def _visitor(self, request: web.Request) -> Actor | None:
        """
        Find out who asks; None if a token is needed and none, or a wrong one, came.

        Raises:
            NotAllowed: From where *request* comes, nobody is answered.
        """
        gateway = self._gateway()
        settings = gateway.settings
        if self._is_shared and not guards.is_loopback(guards.peer_of(request)):
            raise NotAllowed(guards.THIS_MACHINE, code="loopback_only")
        if not settings.admin:
            if not guards.is_this_machine(request):
                raise NotAllowed(guards.THIS_MACHINE, code="loopback_only")
            _check_names(request, settings.server.allowed_hosts)
            return Actor(name=LOCAL, role="admin", peer=guards.peer_of(request))
        return _find_visitor(request, gateway)

    async def _denied(
        self, route: Route, request: web.Request, visitor: Actor | None
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


async def attend(
    route: Route,
    request: web.Request,
    admit: Callable[[web.Request], Awaitable[None]],
) -> web.StreamResponse:
    """
    Answer *request* by *route*'s handler; whatever goes wrong is told in management's shape.

    Args:
        admit: Lets it in, or raises what its sender is told.
    """
    try:
        await admit(request)
        await invite(request)
        return await route.handler(request)
    except ExchangeError as error:
        return error_response(error)
    except web.HTTPException as exc:
        return error_response(_of_aiohttp(exc))
    except Exception as exc:  # noqa: BLE001 - told by type and place, as everywhere
        log.error(  # noqa: TRY400 - its text may hold a secret
            "management route failed",
            route=route.name,
            error=type(exc).__name__,
            at=place_of(exc),
        )
        sentence = "The gateway failed over this; its log says where."
        return error_response(ApiError(500, "internal_error", sentence))


async def expect_nothing(request: web.Request) -> None:
    """
    Ask for no body yet: only who was let in is asked for one.
    """


def _of_aiohttp(exc: web.HTTPException) -> ApiError:
    code = exc.reason.lower().replace(" ", "_")
    return ApiError(exc.status, code, exc.text or exc.reason)


def _find_visitor(request: web.Request, gateway: Gateway) -> Actor | None:
    """
    Compare with every token, so that the time taken does not tell which came close.
    """
    header = request.headers.get(hdrs.AUTHORIZATION, "")
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
            found = Actor(name=name, role=token.role, peer=guards.peer_of(request))
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


def _demand(visitor: Actor, route: Route) -> None:
    if not may(visitor.role, route.permission):
        msg = (
            f"The token {visitor.name} has the role {visitor.role}, which lacks "
            f"{route.permission}."
        )
        raise NotAllowed(msg, code="permission_required")


def demand_json(request: web.Request) -> None:
    """
    Demand that what *request* would change comes as JSON.

    Raises:
        NotJson: 415.
    """
    if request.method in _READING:
        return
    # A form on another page may send other types without asking first (CSRF).
    kind = request.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise NotJson


class SettingsRejected(ApiError):
    """
    New settings were not put in force; those before them still are.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        found = list(problems)
        sentence = "Nothing was changed: " + "; ".join(str(each) for each in found[:3])
        if len(found) > 3:
            sentence += f"; and {len(found) - 3} more"
        super().__init__(
            422,
            "settings_rejected",
            sentence,
            problems=[attrs.asdict(each) for each in found],
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
