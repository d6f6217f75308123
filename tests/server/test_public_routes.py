from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from log_outputs import Nowhere

from gateway import Phase, Plugin, Route, hookimpl
from gateway.app import Gateway
from gateway.errors import NotAuthenticated
from gateway.management import actor_of, json_response, read_json
from gateway.plugins import FoundPlugin
from gateway.server import guards
from gateway.server.fleet import Solo
from gateway.server.launch import Launch
from gateway.server.logs import LogOutput
from gateway.server.management_routes import management_routes
from gateway.server.sockets import address_of, bind
from gateway.server.station import Station
from gateway.settings import Address, settings_from_dict

ROOT = "/api/purse"


class PursePlugin(Plugin):
    phase = Phase.GOVERN
    authenticates_callers = True

    @hookimpl
    def register_routes(self):
        return [
            self._route("GET", "/mine", "public", self.show),
            self._route("POST", "/mine", "public", self.take),
            self._route("GET", "/all", "purse:read", self.show),
        ]

    def _route(self, method, path, permission, handler):
        return Route(
            method=method, path=ROOT + path, permission=permission, handler=handler
        )

    async def show(self, request: web.Request) -> web.Response:
        if "x-purse" not in request.headers:
            msg = "Say whose purse."
            raise NotAuthenticated(msg, code="purse_required")
        return json_response({"is_operator": actor_of(request).is_known})

    async def take(self, request: web.Request) -> web.Response:
        return json_response(await read_json(request))


class OpenPursePlugin(PursePlugin):
    authenticates_callers = False


Ask = Callable[..., Awaitable[tuple[int, Any]]]
Serve = Callable[..., Awaitable[Ask]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """
    Serve callers, and management beside them or elsewhere.
    """
    ending: list[Callable[[], Awaitable[Any]]] = []

    async def start(plugin: type[Plugin] = PursePlugin, *, shared: bool = False) -> Ask:
        gateway = Gateway(
            settings_from_dict({"version": 1, "providers": {"demo": {}}}),
            plugins=[FoundPlugin(name="purse", cls=plugin)],
            installed=False,
            environ={},
        )
        station = Station(gateway, LogOutput(Nowhere(), is_text=False))
        ending.append(station.stop)
        fleet = Solo(station, Launch(), Address("127.0.0.1", 0), {})
        routes = management_routes(fleet, is_shared=True) if shared else []
        sock = bind(Address("127.0.0.1", 0))
        await station.start(sock, routes=routes)
        session = aiohttp.ClientSession()
        ending.append(session.close)

        async def ask(path: str, method: str = "GET", **more: Any) -> tuple[int, Any]:
            url = f"http://{address_of(sock)}{ROOT}{path}"
            async with session.request(method, url, **more) as answer:
                return answer.status, await answer.json()

        return ask

    yield start
    for end in reversed(ending):
        await end()


@pytest.fixture
def from_afar(monkeypatch):
    """
    Let every caller be one of the network.
    """
    monkeypatch.setattr(guards, "peer_of", lambda request: "192.0.2.1")


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.usefixtures("from_afar")
async def test_answer_callers_of_the_network(serve, shared):
    """
    A public route answers on the callers' port, wherever management is, and its caller is none
    of the operators.
    """
    ask = await serve(shared=shared)

    answer = await ask("/mine", headers={"x-purse": "7"})

    assert answer == (200, {"is_operator": False})


@pytest.mark.usefixtures("from_afar")
async def test_are_all_that_callers_of_the_network_get(serve):
    """
    A route that needs a permission stays this machine's, or is not there at all.
    """
    beside, elsewhere = await serve(shared=True), await serve()

    (shared, told), (alone, missing) = await beside("/all"), await elsewhere("/all")

    assert (shared, told["error"]["code"]) == (403, "loopback_only")
    assert (alone, missing["error"]["code"]) == (404, "route_not_found")


@pytest.mark.usefixtures("from_afar")
async def test_go_by_the_rules_of_callers(serve):
    """
    While nothing authenticates callers, the network is not answered here either.
    """
    ask = await serve(OpenPursePlugin)

    status, told = await ask("/mine", headers={"x-purse": "7"})

    assert (status, told["error"]["code"]) == (403, "loopback_only")


async def test_refuse_in_the_shape_of_management(serve):
    """
    What the handler raises is told with its status and code.
    """
    ask = await serve()

    status, told = await ask("/mine")

    assert (status, told["error"]["code"]) == (401, "purse_required")


async def test_take_documents_alone(serve):
    """
    A body is JSON, or a page of another origin might send it unasked.
    """
    ask = await serve()

    status, _ = await ask("/mine", "POST", data={"sum": "1"})
    taken = await ask("/mine", "POST", json={"sum": 1})

    assert status == 415
    assert taken == (200, {"sum": 1})
