from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, ClassVar

import aiohttp
import attrs
import pytest
from aiohttp import web
from log_outputs import Nowhere

from gateway import Phase, Plugin, Route, hookimpl
from gateway.app import Gateway
from gateway.errors import PluginError
from gateway.events import AdminActed, AdminDenied, Event
from gateway.management import LOCAL, ROLES, ApiError, actor_of, note_change
from gateway.plugins import FoundPlugin
from gateway.server.application import admin_app, make_runner
from gateway.server.fleet import Solo
from gateway.server.health import Health
from gateway.server.launch import Launch
from gateway.server.logs import LogOutput
from gateway.server.management import Desk, check_route
from gateway.server.management_routes import Offices, management_routes
from gateway.server.station import Station
from gateway.settings import Address, settings_from_dict

TOKENS = {"oncall": ("admin", "token-of-oncall"), "grafana": ("viewer", "token-of-g")}
ADMIN = {
    name: {"secret": f"env.{name.upper()}", "role": role}
    for name, (role, _) in TOKENS.items()
}
ENVIRON = {name.upper(): token for name, (_, token) in TOKENS.items()}


class BellPlugin(Plugin):
    """
    Has a route to read and one to write, and hears events.
    """

    phase: ClassVar[Phase] = Phase.OBSERVE
    heard: list[Event]

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.heard = []
        self.rung_by: list[str] = []

    @hookimpl
    def register_routes(self):
        def route(method, permission, path="/api/bell"):
            return Route(
                method=method, path=path, permission=permission, handler=self.ring
            )

        return [
            route("GET", "bell:read"),
            route("POST", "bell:write"),
            route("GET", "public", "/api/bell/public"),
            route("GET", "bell:read", "/api/bell/broken"),
            route("POST", "bell:write", "/api/bell/taken"),
            route("POST", "bell:write", "/api/bell/noted"),
        ]

    @hookimpl
    def on_event(self, event):
        self.heard.append(event)

    async def ring(self, request):
        if request.path.endswith("broken"):
            raise RuntimeError("holds a secret")
        if request.path.endswith("taken"):
            raise ApiError(409, "name_taken", "There is such a bell.", path="name")
        self.rung_by.append(actor_of(request).name)
        if request.path.endswith("noted"):
            note_change(request, "bells/1", after={"rung": True}, details={"to": "x"})
        return web.json_response({"rung": True})


BELL = FoundPlugin(name="bell", cls=BellPlugin)


@attrs.define(eq=False)
class Managed:
    """
    A management listener with a real gateway behind it.
    """

    gateway: Gateway
    port: int
    session: aiohttp.ClientSession

    @property
    def bell(self) -> BellPlugin:
        plugin = self.gateway.hooks.plugins[0].plugin
        assert isinstance(plugin, BellPlugin)
        return plugin

    async def call(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        told = {} if method == "GET" else {"Content-Type": "application/json"}
        if token is not None:
            told["Authorization"] = f"Bearer {token}"
        told |= headers or {}
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.session.request(method, url, data=body, headers=told) as answer:
            if answer.content_type == "application/json":
                return answer.status, await answer.json()
            return answer.status, await answer.text()


Manage = Callable[..., Awaitable[Managed]]


@pytest.fixture
async def manage() -> AsyncIterator[Manage]:
    """
    Serve management by settings of one's own, until the test ends.
    """
    ending: list[Callable[[], Awaitable[Any]]] = []

    async def start(*, is_shared: bool = False, **settings: Any) -> Managed:
        document = {"version": 1, "providers": {"demo": {}}, **settings}
        gateway = Gateway(
            settings_from_dict(document),
            plugins=[BELL],
            installed=False,
            environ=ENVIRON,
        )
        await gateway.start()
        ending.append(gateway.stop)
        station = Station(gateway, LogOutput(Nowhere(), is_text=False))
        fleet = Solo(station, Launch(), Address("127.0.0.1", 0), {})
        routes = management_routes(fleet, is_shared=is_shared)
        runner = make_runner(admin_app(Health(), routes), gateway)
        await runner.setup()
        ending.append(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        session = aiohttp.ClientSession()
        ending.append(session.close)
        return Managed(gateway, runner.addresses[0][1], session)

    yield start
    for end in reversed(ending):
        await end()


def core_routes() -> list[Route]:
    return list(Offices(None).table())


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", core_routes(), ids=lambda route: route.name)
async def test_every_role_may_what_its_row_says(manage, role, route):
    """
    Role x route: a viewer has every :read, an admin everything, and nobody more.
    """
    managed = await manage(admin=ADMIN)
    token = next(token for known, token in TOKENS.values() if known == role)
    path = route.path.replace("{request_id}", "req_unknown")

    status, _ = await managed.call(path, route.method, b"{}", token=token)

    is_allowed = role == "admin" or route.permission.endswith(":read")
    assert (status != 403) is is_allowed
    assert status != 401


@pytest.mark.parametrize("route", core_routes(), ids=lambda route: route.name)
async def test_no_route_answers_without_a_token(manage, route):
    """
    Where tokens are declared, every route of the core demands one.
    """
    managed = await manage(admin=ADMIN)
    path = route.path.replace("{request_id}", "req_unknown")

    missing, told = await managed.call(path, route.method, b"{}")
    wrong, _ = await managed.call(path, route.method, b"{}", token="token-of-nobody")

    assert (missing, wrong) == (401, 401)
    assert told["error"]["code"] == "admin_token_required"


class TestPermissions:
    @pytest.mark.parametrize(
        "permission", ["", "keys", "keys:all", "Keys:read", "keys:read ", "*:read"]
    )
    def test_a_route_without_one_cannot_be_registered(self, permission):
        """
        What is no <thing>:read, <thing>:write or public is an error that names the plugin.
        """
        route = Route(method="GET", path="/api/x", permission=permission, handler=print)

        with pytest.raises(PluginError, match=r"plugin bell.*needs a permission"):
            check_route(route, "bell")

    def test_a_plugins_route_stands_below_api(self):
        """
        A plugin cannot take a path of callers.
        """
        route = Route(method="GET", path="/v1/x", permission="x:read", handler=print)

        with pytest.raises(PluginError, match="below /api/"):
            check_route(route, "bell")

    def test_a_get_changes_nothing(self):
        """
        A GET that needs a :write permission is an error: browsers send GETs unasked.
        """
        route = Route(method="GET", path="/api/x", permission="x:write", handler=print)

        with pytest.raises(PluginError, match="must not change"):
            check_route(route, "bell")

    def test_desk_refuses_what_check_refuses(self):
        """
        There is no way to a route definition past the check.
        """
        desk = Desk(
            lambda: None, lambda event: None, lambda event: None, is_shared=False
        )
        route = Route(method="GET", path="/api/x", permission="", handler=print)

        with pytest.raises(PluginError):
            desk.define(route, "bell")


class TestPluginRoutes:
    async def test_handler_is_told_who_asks(self, manage):
        """
        The actor is the token's name, never the token.
        """
        managed = await manage(admin=ADMIN)

        status, _ = await managed.call("/api/bell", token="token-of-g")

        assert status == 200
        assert managed.bell.rung_by == ["grafana"]

    async def test_write_needs_its_permission(self, manage):
        """
        A viewer may not ring, and the attempt is told to the plugins.
        """
        managed = await manage(admin=ADMIN)

        status, told = await managed.call(
            "/api/bell", "POST", b"{}", token="token-of-g"
        )

        assert (status, told["error"]["code"]) == (403, "permission_required")
        denied = [
            event for event in managed.bell.heard if isinstance(event, AdminDenied)
        ]
        assert [(event.actor, event.route) for event in denied] == [
            ("grafana", "POST /api/bell")
        ]
        assert managed.bell.rung_by == []

    async def test_a_change_is_told(self, manage):
        """
        Who changed something by which route is an event.
        """
        managed = await manage(admin=ADMIN)

        await managed.call("/api/bell", "POST", b"{}", token="token-of-oncall")

        acted = [event for event in managed.bell.heard if isinstance(event, AdminActed)]
        assert [(event.actor, event.action) for event in acted] == [
            ("oncall", "POST /api/bell")
        ]

    async def test_a_noted_change_is_told(self, manage):
        """
        What the handler noted stands in the event, states by their hashes alone.
        """
        managed = await manage(admin=ADMIN)

        await managed.call("/api/bell/noted", "POST", b"{}", token="token-of-oncall")

        (acted,) = [
            event for event in managed.bell.heard if isinstance(event, AdminActed)
        ]
        assert (acted.target, acted.details) == ("bells/1", {"to": "x"})
        assert acted.digests[0] == ""
        assert len(acted.digests[1]) == 64

    async def test_a_refusal_has_the_shape_of_the_core(self, manage):
        """
        What a handler raises is told like an error of the core, and is no change.
        """
        managed = await manage(admin=ADMIN)

        status, told = await managed.call(
            "/api/bell/taken", "POST", b"{}", token="token-of-oncall"
        )

        assert status == 409
        assert told["error"] == {
            "code": "name_taken",
            "message": "There is such a bell.",
            "path": "name",
        }
        assert not any(isinstance(event, AdminActed) for event in managed.bell.heard)

    @pytest.mark.parametrize(
        ("token", "name"),
        [(None, ""), ("sk-gw-a-virtual-key", ""), ("token-of-g", "grafana")],
        ids=["nothing", "a-callers-own", "an-operators"],
    )
    async def test_public_asks_for_nothing(self, manage, token, name):
        """
        A public route is called whoever asks, with whatever credential; it is told of operators.
        """
        managed = await manage(admin=ADMIN)

        status, _ = await managed.call("/api/bell/public", token=token)

        assert status == 200
        assert managed.bell.rung_by == [name]

    async def test_a_failure_gives_nothing_away(self, manage):
        """
        What a handler raised is not told to whoever asked.
        """
        managed = await manage(admin=ADMIN)

        status, told = await managed.call("/api/bell/broken", token="token-of-g")

        assert status == 500
        assert "secret" not in str(told)


class TestWithoutTokens:
    async def test_this_machine_is_the_admin(self, manage):
        """
        On this machine everything is allowed, in the name of ``local``.
        """
        managed = await manage()

        status, _ = await managed.call("/api/bell", "POST", b"{}")

        assert status == 200
        assert managed.bell.rung_by == [LOCAL]

    @pytest.mark.parametrize(
        ("headers", "code"),
        [
            ({"Host": "evil.example"}, "host_not_allowed"),
            ({"Host": "127.0.0.1.evil.example"}, "host_not_allowed"),
            ({"Origin": "http://evil.example"}, "origin_not_allowed"),
            ({"Origin": "null"}, "origin_not_allowed"),
        ],
        ids=["rebound-name", "name-that-begins-well", "other-page", "opaque-page"],
    )
    async def test_a_page_on_the_web_is_refused(self, manage, headers, code):
        """
        Neither a rebound name nor another origin reaches management.
        """
        managed = await manage()

        status, told = await managed.call("/api/status", headers=headers)

        assert (status, told["error"]["code"]) == (403, code)

    @pytest.mark.parametrize(
        "name", ["x-forwarded-for", "X-Real-IP", "Forwarded", "Via"]
    )
    async def test_who_comes_through_a_proxy_is_refused(self, manage, name):
        """
        It runs on this machine, and speaks for whoever reaches it.
        """
        managed = await manage()
        headers = {name: "203.0.113.7"}

        status, told = await managed.call("/api/status", headers=headers)

        assert (status, told["error"]["code"]) == (403, "loopback_only")

    async def test_a_token_is_heard_through_a_proxy(self, manage):
        """
        Who shows one need not be on this machine.
        """
        managed = await manage(admin=ADMIN)
        headers = {"X-Forwarded-For": "203.0.113.7"}

        status, _ = await managed.call(
            "/api/status", token="token-of-g", headers=headers
        )

        assert status == 200

    async def test_a_form_cannot_change_anything(self, manage):
        """
        A content type that pages may send without asking is refused.
        """
        managed = await manage()
        headers = {"Content-Type": "text/plain"}

        status, _ = await managed.call("/api/reload", "POST", b"{}", headers=headers)

        assert status == 415


async def test_a_token_whose_secret_is_gone_opens_nothing(manage):
    """
    An empty secret is no credential, and the other tokens go on.
    """
    admin = {**ADMIN, "lost": {"secret": "env.NOT_SET", "role": "admin"}}
    managed = await manage(admin=admin)

    empty, _ = await managed.call("/api/status", token="")
    known, _ = await managed.call("/api/status", token="token-of-g")

    assert (empty, known) == (401, 200)
