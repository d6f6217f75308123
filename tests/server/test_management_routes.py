from __future__ import annotations

from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from log_outputs import Nowhere

from gateway import Phase, Plugin, Route, hookimpl
from gateway.app import Gateway
from gateway.errors import PluginError
from gateway.plugins import FoundPlugin
from gateway.server.fleet import Solo
from gateway.server.launch import Launch
from gateway.server.logs import LogOutput
from gateway.server.management_routes import management_routes
from gateway.server.station import Station
from gateway.settings import Address, settings_from_environment
from gateway.sinks import MemorySink
from gateway.testing import make_request

CHAT = {"model": "demo/echo", "messages": [{"role": "user", "content": "hi"}]}
JSON = {"Content-Type": "application/json"}


class ArchivePlugin(Plugin):
    phase = Phase.OBSERVE

    @hookimpl
    async def recall(self, request_id):
        return None


def fleet_of(*plugins: FoundPlugin) -> Solo:
    settings = settings_from_environment({})
    gateway = Gateway(settings, plugins=plugins, installed=False, environ={})
    station = Station(gateway, LogOutput(Nowhere(), is_text=False))
    return Solo(station, Launch(), Address("127.0.0.1", 0), {})


@pytest.fixture
async def fleet():
    fleet = fleet_of()
    async with fleet.gateway:
        yield fleet


@pytest.fixture
async def client(fleet):
    """
    Ask a management listener over a real socket.
    """
    app = web.Application()
    app.add_routes(management_routes(fleet, is_shared=True))
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        yield client


async def post(client: Any, path: str, document: Any) -> tuple[int, Any]:
    answer = await client.post(path, data=orjson.dumps(document), headers=JSON)
    return answer.status, await answer.json()


class TestReading:
    async def test_status_names_version_settings_and_workers(self, client, fleet):
        """
        Status tells what runs, by which settings, and how busy it is.
        """
        told = await (await client.get("/api/status")).json()

        assert told["version"] == fleet.gateway.version
        assert told["settings"] == fleet.gateway.settings.digest
        assert [worker["in_flight"] for worker in told["workers"]] == [0]

    async def test_status_names_providers_that_are_cooling(self, client, fleet):
        """
        Not those of which a failure was only counted.
        """
        health = fleet.gateway.runtime.router.health
        health.failed(("demo",), "status 500", retry_after_s=60)
        health.failed(("other",), "status 500")

        told = await (await client.get("/api/status")).json()

        (place,) = told["cooling"]
        assert (place["provider"], place["state"]) == ("demo", "cooling")
        assert place["why"] == "status 500"

    async def test_settings_are_shown_with_their_digest(self, client, fleet):
        """
        The settings in force are told as they would stand in a file.
        """
        told = await (await client.get("/api/settings")).json()

        assert told["digest"] == fleet.gateway.settings.digest
        assert "demo" in told["settings"]["providers"]

    async def test_models_and_providers_are_listed(self, client):
        """
        What callers may name, and who is asked.
        """
        models = await (await client.get("/api/models")).json()
        providers = await (await client.get("/api/providers")).json()

        assert "demo/echo" in [model["id"] for model in models["models"]]
        assert [one["name"] for one in providers["providers"]] == ["demo"]

    async def test_metrics_are_prometheus_text(self, client):
        """
        Prometheus finds its content type and our metrics.
        """
        answer = await client.get("/metrics")

        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert "\ngatewright_in_flight 0" in await answer.text()

    async def test_unknown_paths_are_told_in_json(self, client):
        """
        A path that is none is a 404 like every other error here.
        """
        answer = await client.get("/api/nowhere")

        assert answer.status == 404
        assert (await answer.json())["error"]["code"] == "route_not_found"


class TestExplain:
    async def test_a_recent_request_is_found(self, client, fleet):
        """
        The id that a caller was told leads to what was decided.
        """
        gateway = fleet.gateway
        request = make_request(CHAT)
        exchange = gateway.exchange(
            dialect=gateway.dialects["openai_chat"],
            operation="generate",
            request=request,
            headers={},
        )
        await gateway.relay(exchange, MemorySink())

        told = await (await client.get(f"/api/explain/{exchange.id}")).json()

        assert told["request_id"] == exchange.id
        assert told["outcome"] == "finished"

    async def test_an_unknown_request_is_404_with_a_hint(self, client):
        """
        Who comes too late is told for how long ids are remembered.
        """
        answer = await client.get("/api/explain/req_unknown")

        assert answer.status == 404
        told = (await answer.json())["error"]["message"]
        assert "latest thousand" in told
        assert "an audit plugin, and none is installed" in told

    async def test_a_request_that_a_keeper_does_not_know_is_said_so(self):
        """
        Nobody is advised to install what is there: it says where it was looked for.
        """
        fleet = fleet_of(FoundPlugin(name="archive", cls=ArchivePlugin))
        app = web.Application()
        app.add_routes(management_routes(fleet, is_shared=True))
        async with (
            fleet.gateway,
            TestClient(TestServer(app, host="127.0.0.1")) as client,
        ):
            answer = await client.get("/api/explain/req_unknown")
            told = (await answer.json())["error"]["message"]

        assert answer.status == 404
        assert "nor in what is kept by archive" in told
        assert "pruned" in told
        assert "installed" not in told

    async def test_runs_dry_in_the_wrapper(self, client, fleet):
        """
        A wrapped request is explained at its path; nothing is counted.
        """
        status, told = await post(
            client, "/api/explain", {"path": "/v1/chat/completions", "request": CHAT}
        )

        assert status == 200
        assert [target["target"] for target in told["targets"]] == ["demo/echo"]
        assert len(fleet.gateway.traces) == 0

    async def test_runs_dry_with_the_path_in_the_query(self, client):
        """
        With ?path= the body is the request as a caller would send it.
        """
        asked = {"model": "demo/echo", "max_tokens": 5, "messages": CHAT["messages"]}

        status, told = await post(client, "/api/explain?path=/v1/messages", asked)

        assert (status, told["dialect"]) == (200, "anthropic_messages")

    @pytest.mark.parametrize(
        ("document", "code"),
        [
            ({"pth": "/v1/messages", "request": CHAT}, "unknown_key"),
            ({"path": "/v1/nowhere", "request": CHAT}, "unknown_path"),
            ({"request": "text"}, "invalid_request"),
            ([], "invalid_request"),
        ],
        ids=["unknown-key", "unknown-path", "request-no-object", "no-object"],
    )
    async def test_a_wrong_question_is_told(self, client, document, code):
        """
        What cannot be explained is a 400 that says why.
        """
        status, told = await post(client, "/api/explain", document)

        assert (status, told["error"]["code"]) == (400, code)


class TestReload:
    async def test_takes_no_arguments(self, client):
        """
        A key that nobody knows is refused, not passed over.
        """
        status, told = await post(client, "/api/reload", {"file": "/etc/passwd"})

        assert (status, told["error"]["code"]) == (400, "unknown_key")

    async def test_tells_what_changed(self, client):
        """
        Settings read again without a change say so.
        """
        status, told = await post(client, "/api/reload", {})

        assert (status, told["before"] == told["after"]) == (200, True)


class ThiefPlugin(Plugin):
    phase = Phase.OBSERVE

    @hookimpl
    def register_routes(self):
        return [
            Route(method="GET", path="/api/status", permission="x:read", handler=print)
        ]


async def test_a_plugin_cannot_take_a_route_of_the_core():
    """
    The same method and path as the core's is an error that names the plugin.
    """
    fleet = fleet_of(FoundPlugin(name="thief", cls=ThiefPlugin))

    with pytest.raises(PluginError, match=r"thief.*the core's"):
        management_routes(fleet, is_shared=False)
