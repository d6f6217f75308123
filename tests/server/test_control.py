from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from log_outputs import Nowhere

from gateway import Phase, Plugin, Route, Unavailable, hookimpl
from gateway.app import Gateway
from gateway.errors import Problem, Refused
from gateway.events import AdminDenied, SettingsChanged, event_as_dict
from gateway.management import Actor, actor_of, change_of, note_change
from gateway.plugins import FoundPlugin
from gateway.server import control
from gateway.server.control import (
    ACTOR_HEADER,
    CHANGE_HEADER,
    Control,
    Link,
    proxied_routes,
)
from gateway.server.launch import Launch
from gateway.server.logs import LogOutput
from gateway.server.management import SettingsRejected
from gateway.server.station import Station
from gateway.settings import Address, settings_from_environment


class BellPlugin(Plugin):
    phase = Phase.OBSERVE

    def __init__(self, settings):
        super().__init__(settings)
        self.heard = []

    @hookimpl
    def register_routes(self):
        return [
            Route(
                method="POST",
                path="/api/bell/{tone}",
                permission="bell:write",
                handler=self.ring,
            )
        ]

    @hookimpl
    def on_event(self, event):
        self.heard.append(event)

    async def ring(self, request):
        body = await request.text()
        told = [actor_of(request).name, request.match_info["tone"], body]
        note_change(request, "bells/größe", details={"to": "ü"})
        headers = {"Location": "/api/bell/1"}
        return web.json_response(told, status=201, headers=headers)


@pytest.fixture
def folder():
    """
    A folder with a short name: a Unix socket's path has hardly a hundred characters.
    """
    made = Path(tempfile.mkdtemp(prefix="gw-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def gateway():
    plugin = FoundPlugin(name="bell", cls=BellPlugin)
    settings = settings_from_environment({})
    async with Gateway(
        settings, plugins=[plugin], installed=False, environ={}
    ) as gateway:
        yield gateway


@pytest.fixture
async def link(gateway, folder):
    """
    The supervisor's end of the way to a worker.
    """
    station = Station(gateway, LogOutput(Nowhere(), is_text=False))
    app = Control(station, Address("127.0.0.1", 0), {}, index=3).app()
    path = folder / "worker.sock"
    await station.listen_unix(app, path)
    link = Link(path)
    yield link
    await link.close()
    await station.stop()


class TestControl:
    async def test_status_plugins_health_and_traces(self, link, gateway):
        """
        A worker tells what it alone can know.
        """
        status = await link.ask("GET", "/control/status")
        plugins = await link.ask("GET", "/control/plugins")

        assert (status["index"], status["pid"]) == (3, os.getpid())
        assert [plugin["name"] for plugin in plugins] == ["bell"]
        assert await link.ask("GET", "/control/health") == []
        assert await link.ask("GET", "/control/traces/req_x") is None
        assert await link.ask("GET", "/control/recall/req_x?actor=ann") is None
        assert b"gatewright_workers" in await link.fetch("/control/metrics")

    async def test_an_error_comes_back_as_it_was(self, link):
        """
        What a worker refuses has the same status, code and sentence at the supervisor.
        """
        with pytest.raises(Refused, match="No model is asked") as caught:
            await link.ask("POST", "/control/explain", {"request": {}, "path": "/x"})

        assert (caught.value.status, caught.value.code) == (400, "unknown_path")

    async def test_settings_are_tried_without_effect(self, link, gateway, tmp_path):
        """
        Trying tells the digest, and the problems of a bad file; nothing changes.
        """
        file = tmp_path / "g.yaml"
        before = gateway.settings
        file.write_text("version: 1\nproviders: {demo: {}}\n")
        launch = Launch(file=file).as_dict()
        good = await link.ask("POST", "/control/settings/try", {"launch": launch})
        file.write_text("version: 2\n")

        with pytest.raises(Refused) as caught:
            await link.ask("POST", "/control/settings/try", {"launch": launch})

        assert len(good["digest"]) == 64
        assert caught.value.details["problems"][0]["path"] == "version"
        assert gateway.settings is before

    async def test_settings_that_a_plugin_could_not_start_with_are_told(
        self, link, tmp_path, monkeypatch
    ):
        """
        Before any worker goes by them: one that stores what they say cannot take it back.
        """

        async def object_to(gateway):
            problem = Problem("cannot start", path=str(gateway))
            raise SettingsRejected([problem])

        file = tmp_path / "g.yaml"
        file.write_text("version: 1\nproviders: {demo: {}}\n")
        monkeypatch.setattr("gateway.server.control.try_settings", lambda *_: "toy")
        monkeypatch.setattr("gateway.server.control.try_start", object_to)

        with pytest.raises(Refused, match="toy: cannot start"):
            await link.ask(
                "POST", "/control/settings/try", {"launch": Launch(file=file).as_dict()}
            )

    async def test_settings_in_force_elsewhere_are_an_echo(
        self, link, gateway, tmp_path
    ):
        """
        Of one change the plugins of all workers hear; one of them tells it, the others echo.
        """
        file = tmp_path / "g.yaml"
        told = {"launch": Launch(file=file).as_dict(), "actor": "oncall"}
        for number, is_echo in enumerate((False, True)):
            file.write_text(
                f"version: 1\nproviders: {{demo: {{}}}}\nmodels: {{m{number}: demo/echo}}\n"
            )
            document = {**told, "is_echo": is_echo}
            await link.ask("POST", "/control/settings/apply", document)

        heard = gateway.hooks.plugins[0].plugin.heard
        changes = [event for event in heard if isinstance(event, SettingsChanged)]
        assert [change.is_echo for change in changes] == [False, True]

    async def test_an_event_reaches_the_plugins(self, link, gateway):
        """
        What happened at the supervisor is told in a worker.
        """
        event = AdminDenied(at=1.0, actor="x", route="GET /api/x", peer="::1")

        await link.ask("POST", "/control/events", event_as_dict(event))

        assert event in gateway.hooks.plugins[0].plugin.heard

    async def test_a_worker_that_is_gone_is_unavailable(self, folder):
        """
        Nobody at the socket is a 503 that may be tried again.
        """
        link = Link(folder / "nobody.sock")

        with pytest.raises(Unavailable) as caught:
            await link.ask("GET", "/control/status")

        assert caught.value.retry_after_s == 1.0
        await link.close()

    async def test_an_answer_is_bounded(self, link, monkeypatch):
        """
        An answer beyond the bound is refused, not read.
        """
        monkeypatch.setattr(control, "MAX_ANSWER_BYTES", 10)

        with pytest.raises(Unavailable, match="too much"):
            await link.ask("GET", "/control/status")


ONCALL = Actor(name="oncall", role="admin", peer="127.0.0.1")


class TestForward:
    @pytest.fixture
    def changes(self):
        """
        What handlers noted, as it arrived.
        """
        return []

    @pytest.fixture
    async def client(self, link, changes):
        """
        Ask something that hands requests on over *link*, in the name of ``oncall``.
        """

        async def forward(request):
            response = await link.forward(request, ONCALL)
            changes.append(change_of(request))
            return response

        app = web.Application()
        app.router.add_route("*", "/{any:.*}", forward)
        async with TestClient(TestServer(app, host="127.0.0.1")) as client:
            yield client

    async def test_hands_request_and_answer_through(self, client):
        """
        Path, body, status and actor arrive.
        """
        answer = await client.post("/api/bell/high", data=b"loud")

        assert answer.status == 201
        assert await answer.json() == ["oncall", "high", "loud"]
        assert answer.headers["Location"] == "/api/bell/1"

    async def test_brings_back_what_was_changed(self, client, changes):
        """
        The supervisor hears what a worker's handler noted; whoever asked does not.
        """
        answer = await client.post("/api/bell/high", data=b"loud")

        (change,) = changes
        assert (change.target, change.details) == ("bells/größe", {"to": "ü"})
        assert CHANGE_HEADER not in answer.headers

    async def test_nobody_names_himself(self, client):
        """
        The actor of the caller's own header does not count.
        """
        headers = {ACTOR_HEADER: "root"}

        answer = await client.post("/api/bell/high", data=b"", headers=headers)

        assert (await answer.json())[0] == "oncall"


@attrs.define
class Recorder:
    asked: list[str] = attrs.field(factory=list)

    async def forward(self, request):
        self.asked.append(request.raw_path)
        return web.json_response({})


class TestProxiedRoutes:
    @pytest.mark.parametrize("path", ["/metrics", "/api/status", "/api/explain/req_1"])
    async def test_management_goes_to_the_supervisor(self, path):
        """
        Everything of management is handed over, as it came.
        """
        link = Recorder()
        app = web.Application()
        app.add_routes(proxied_routes(link))
        async with TestClient(TestServer(app, host="127.0.0.1")) as client:
            answer = await client.get(path)

        assert answer.status == 200
        assert link.asked == [path]

    async def test_other_machines_are_refused(self, monkeypatch):
        """
        On the callers' port management answers this machine only.
        """
        monkeypatch.setattr(control.guards, "peer_of", lambda request: "192.0.2.1")
        link = Recorder()
        app = web.Application()
        app.add_routes(proxied_routes(link))
        async with TestClient(TestServer(app, host="127.0.0.1")) as client:
            answer = await client.get("/api/status")

        assert answer.status == 403
        assert link.asked == []
