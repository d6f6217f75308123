from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway import Route
from gateway.server.live_routes import LiveRoutes


def route(path: str, method: Any = "GET") -> tuple[Route, str]:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response([path, dict(request.match_info)])

    return (
        Route(method=method, path=path, permission="public", handler=answer),
        "bell",
    )


class Active:
    """
    The routes in force, which a test changes.
    """

    def __init__(self) -> None:
        self.routes: tuple[tuple[Route, str], ...] = ()
        self.defined: list[str] = []

    def define(self, route: Route, plugin: str) -> web.RouteDef:
        self.defined.append(route.path)
        return web.route(route.method, route.path, route.handler)


@pytest.fixture
def active() -> Active:
    return Active()


@pytest.fixture
async def client(active: Active):
    """
    An application with a route of its own, the live ones, and one that takes the rest.
    """

    async def fixed(request: web.Request) -> web.Response:
        return web.Response(text="fixed")

    async def nowhere(request: web.Request) -> web.Response:
        return web.Response(status=404, text="nowhere")

    app = web.Application()
    app.add_routes(
        [
            web.get("/api/status", fixed),
            LiveRoutes(lambda: active.routes, active.define),
            web.route("*", "/api/{rest:.*}", nowhere),
        ]
    )
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        yield client


async def get(client: TestClient, path: str) -> Any:
    answer = await client.get(path)
    return await answer.json() if answer.status == 200 else answer.status


async def test_come_and_go_while_the_application_runs(client, active):
    """
    A route is there as long as it is in force, and its path's values reach it.
    """
    before = await get(client, "/api/bells/1")
    active.routes = (route("/api/bells/{id}"), route("/api/bells"))
    during = await get(client, "/api/bells/1"), await get(client, "/api/bells")
    active.routes = ()
    after = await get(client, "/api/bells/1")

    assert during == (["/api/bells/{id}", {"id": "1"}], ["/api/bells", {}])
    assert (before, after) == (404, 404)


async def test_are_made_once_for_as_long_as_they_last(client, active):
    """
    Nothing is made anew by a request.
    """
    active.routes = (route("/api/bells"),)
    for _ in range(3):
        await get(client, "/api/bells")

    assert active.defined == ["/api/bells"]


async def test_leave_everything_else_to_others(client, active):
    """
    A path of the application's own, another path, another method.
    """
    active.routes = (route("/api/{anything}"),)

    fixed = await client.get("/api/status")
    deeper = await client.get("/api/a/b")
    other = await client.post("/api/bells")

    assert await fixed.text() == "fixed"
    assert (await deeper.text(), await other.text()) == ("nowhere", "nowhere")
