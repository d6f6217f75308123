from __future__ import annotations

import json
import os
import signal
import socket
from http.client import HTTPConnection
from pathlib import Path

import pytest

from gateway import Gateway, Plugin, ProcessSpec, hookimpl
from gateway.errors import ConfigError
from gateway.server.launch import Launch
from gateway.server.supervised import supervise
from gateway.settings import settings_from_dict
from gateway.testing import FakeUpstream, Script

ROOT = Path(__file__).resolve().parent.parent.parent

TICKER = """
from __future__ import annotations

import os
import signal
import time
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
from aiohttp import web

from gateway import Phase, Plugin, ProcessSpec, Route, hookimpl
from gateway.events import Event
from gateway.management import actor_of, json_response, note_change


@attrs.frozen(kw_only=True)
class Ticked(Event):
    word: str


def tick(file):
    with Path(file).open("a") as lines:
        lines.write(f"{os.getpid()}\\n")
    signal.pause()


class TickerPlugin(Plugin):
    phase = Phase.OBSERVE

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway):
        self.gateway = gateway
        yield

    @hookimpl
    def register_routes(self):
        return [
            Route(
                method="GET",
                path="/api/ticker",
                permission="ticker:read",
                handler=self.answer,
            ),
            Route(
                method="POST",
                path="/api/ticker",
                permission="ticker:write",
                handler=self.tell,
            ),
        ]

    @hookimpl
    def on_event(self, event):
        kind = type(event).__name__
        with Path(os.environ["TICKS"] + "-heard").open("a") as lines:
            lines.write(f"{os.getpid()} {kind} {event.is_echo} {time.monotonic()}\\n")

    async def answer(self, request):
        return web.json_response({"pid": os.getpid()})

    async def tell(self, request):
        event = Ticked(at=self.gateway.clock.now(), word="tick")
        self.gateway.broadcast(event)
        note_change(request, "ticker/1", after={"word": "tick"})
        return json_response({"pid": os.getpid(), "by": actor_of(request).name})

    @hookimpl
    def register_processes(self):
        file = os.environ["TICKS"]
        return [
            ProcessSpec(name="ticker", target="ticker:tick", arguments={"file": file})
        ]
"""


@pytest.fixture
def ticker(tmp_path) -> dict[str, str]:
    """
    Install a plugin with a route and a process; returns the environment that finds it.
    """
    folder = tmp_path / "site"
    info = folder / "gatewright_ticker-1.dist-info"
    info.mkdir(parents=True)
    (folder / "ticker.py").write_text(TICKER)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: gatewright-ticker\nVersion: 1\n"
    )
    (info / "entry_points.txt").write_text(
        "[gateway.plugins]\nticker = ticker:TickerPlugin\n"
    )
    return {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)]),
        "TICKS": str(tmp_path / "ticks"),
    }


@pytest.fixture
def folder(tmp_path) -> dict[str, str]:
    """
    Let the sockets stand where the test can find them.
    """
    return {"TMPDIR": str(tmp_path)}


def served_by(tmp_path: Path, index: int) -> int:
    """
    Ask one worker, on its own socket, how many callers it answered.
    """
    (path,) = tmp_path.glob(f"gatewright-*/worker-{index}.sock")
    connection = HTTPConnection("worker", timeout=10)
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.connect(str(path))
    connection.request("GET", "/control/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    lines = [line for line in text.splitlines() if "gatewright_requests_total{" in line]
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in lines)


def workers_of(serving) -> list[dict]:
    return serving.admin("/api/status").json["workers"]


def refuses(serving) -> bool:
    """
    Tell whether nobody listens any more.
    """
    try:
        serving.call("/readyz")
    except OSError:
        return True
    return False


@pytest.fixture(params=["shared", "own"], ids=["shared-port", "own-port"])
def listener(request) -> tuple[str, ...]:
    """
    Manage on the callers' port, or on a listener of its own.
    """
    return () if request.param == "shared" else ("--admin-listen", "127.0.0.1:0")


class TestWorkers:
    def test_share_a_port_and_are_explained_as_one(self, run_serve, tmp_path, folder):
        """
        Both workers answer on one port, and a request is found whoever served it.
        """
        serving = run_serve("--workers", "2", environ=folder)
        ids: list[str] = []

        def both_answered() -> bool:
            ids.append(serving.ask())
            return served_by(tmp_path, 0) > 0 and served_by(tmp_path, 1) > 0

        serving.until(both_answered)

        found = [serving.admin(f"/api/explain/{one}").json["request_id"] for one in ids]
        assert found == ids
        assert served_by(tmp_path, 0) + served_by(tmp_path, 1) == len(ids)

    def test_are_managed_as_one(self, run_serve, listener):
        """
        Plugins, metrics and status speak for both workers, on either listener.
        """
        serving = run_serve("--workers", "2", *listener)
        for _ in range(4):
            serving.ask()

        metrics = serving.admin("/metrics").body.decode()
        status = serving.admin("/api/status").json

        assert "gatewright_workers 2" in metrics
        assert 'model="echo",status="200"} 4' in metrics
        assert status["state"] == "ready"
        assert len({worker["pid"] for worker in status["workers"]}) == 2

    def test_run_dry_for_the_fleet(self, run_serve):
        """
        A dry run is answered by one of them.
        """
        serving = run_serve("--workers", "2")
        request = {"model": "demo/echo", "messages": []}

        told = serving.admin("/api/explain", {"request": request})

        assert told.status == 200
        assert told.json["dry_run"] is True

    def test_all_take_up_new_settings(self, run_serve, tmp_path):
        """
        A reload reaches both, and each says so.
        """
        serving = run_serve("--workers", "2")
        new = (tmp_path / "gateway.yaml").read_text() + "models: {fast: demo/echo}\n"
        (tmp_path / "gateway.yaml").write_text(new)

        report = serving.admin("/api/reload", {}).json

        assert report["changed"] == ["models.fast"]
        assert report["differing"] == []
        digests = [worker["settings"] for worker in workers_of(serving)]
        assert digests == [report["after"]] * 2

    def test_none_takes_up_bad_settings(self, run_serve, tmp_path):
        """
        A file with a fault changes nobody, and the fault is told with the file's real name.
        """
        serving = run_serve("--workers", "2")
        before = [worker["settings"] for worker in workers_of(serving)]
        file = tmp_path / "gateway.yaml"
        file.write_text("version: 1\nmodels: {fast: nowhere/x}\n")

        answer = serving.admin("/api/reload", {})

        assert answer.status == 422
        (problem,) = answer.json["error"]["problems"]
        assert problem["where"] == f"{file}:2:16"
        assert [worker["settings"] for worker in workers_of(serving)] == before

    def test_one_that_was_killed_is_replaced(self, run_serve, tmp_path):
        """
        The new one goes by the settings in force, whatever the file says meanwhile.
        """
        # On a listener of its own: what was queued at the killed worker is lost with it.
        own = ("--admin-listen", "127.0.0.1:0")
        serving = run_serve("--workers", "2", *own)
        first, second = workers_of(serving)
        (tmp_path / "gateway.yaml").write_text("no settings at all\n")

        os.kill(first["pid"], signal.SIGKILL)

        def is_replaced() -> bool:
            now = workers_of(serving)[0]
            return now["state"] == "ready" and now["pid"] != first["pid"]

        serving.until(is_replaced)
        new, other = workers_of(serving)
        assert new["settings"] == first["settings"]
        assert new["restarted"] == 1
        assert other["pid"] == second["pid"]

    def test_finish_their_streams_before_they_end(self, run_serve):
        """
        SIGTERM to the supervisor lets a stream at a worker come to its own end.
        """
        script = Script(text="one two three", split=3, event_latency_ms=150)
        with FakeUpstream.in_thread(default=script) as fake:
            url = fake.openai_url
            settings = (
                "version: 1\nproviders:\n"
                f"  slow: {{type: openai-compatible, base_url: {url}, auth: none}}\n"
            )
            serving = run_serve("--workers", "2", settings=settings)
            asked = {
                "model": "slow/any",
                "stream": True,
                "messages": [{"role": "user", "content": "hi"}],
            }
            with serving.open("/v1/chat/completions", asked) as answer:
                answer.readline()
                serving.signal(signal.SIGTERM)
                rest = answer.read()
            code = serving.process.wait(60)

        assert rest.rstrip().endswith(b"data: [DONE]")
        assert code == 0

    def test_end_at_once_when_asked_twice(self, run_serve, tmp_path, folder):
        """
        The second signal waits for no stream, and leaves no worker and no socket behind.
        """
        script = Script(text="one two three", split=3, stall_after=2)
        with FakeUpstream.in_thread(default=script) as fake:
            settings = (
                "version: 1\nproviders:\n  slow: {type: openai-compatible, "
                f"base_url: {fake.openai_url}, auth: none}}\n"
            )
            serving = run_serve("--workers", "2", settings=settings, environ=folder)
            asked = {
                "model": "slow/any",
                "stream": True,
                "messages": [{"role": "user", "content": "hi"}],
            }
            with serving.open("/v1/chat/completions", asked) as answer:
                answer.readline()
                serving.signal(signal.SIGTERM)
                serving.until(lambda: "ending" in serving.log.read_text())
                serving.signal(signal.SIGTERM)
                code = serving.process.wait(60)

        assert code == -signal.SIGTERM
        assert list(tmp_path.glob("gatewright-*")) == []
        serving.until(lambda: refuses(serving))

    def test_go_when_the_supervisor_is_gone(self, run_serve):
        """
        No worker outlives a supervisor that was killed.
        """
        serving = run_serve("--workers", "2")

        serving.process.kill()

        serving.until(lambda: refuses(serving))


class TestEvents:
    def heard(self, tmp_path, kind: str) -> list[list[str]]:
        """
        Return (pid, echo, monotonic) of each event of *kind* that some worker heard.
        """
        lines = (tmp_path / "ticks-heard").read_text().splitlines()
        split = [line.split() for line in lines]
        return [[pid, echo, at] for pid, name, echo, at in split if name == kind]

    def test_of_one_worker_reach_the_other_within_a_second(
        self, run_serve, ticker, tmp_path
    ):
        """
        What a plugin's route changes in one worker the other hears of, as an echo.
        """
        serving = run_serve("--workers", "2", environ=ticker)
        told = serving.admin("/api/ticker", {})
        serving.until(lambda: len(self.heard(tmp_path, "Ticked")) == 2)

        assert told.json["by"] == "local"
        (first, echo, began), (second, again, ended) = self.heard(tmp_path, "Ticked")
        pids = {str(worker["pid"]) for worker in workers_of(serving)}
        assert {first, second} == pids
        assert (int(first), echo, again) == (told.json["pid"], "False", "True")
        assert float(ended) - float(began) < 1

    def test_of_one_change_are_told_once(self, run_serve, ticker, tmp_path):
        """
        Of new settings every worker hears, and one of them not as an echo; of an operator's
        deed one worker hears at all.
        """
        serving = run_serve("--workers", "2", environ=ticker)
        new = "version: 1\nproviders: {demo: {}}\nmodels: {fast: demo/echo}\n"
        (tmp_path / "gateway.yaml").write_text(new)

        serving.admin("/api/reload", {})

        changes = self.heard(tmp_path, "SettingsChanged")
        assert sorted(echo for _, echo, _ in changes) == ["False", "True"]
        assert len({pid for pid, _, _ in changes}) == 2
        assert len(self.heard(tmp_path, "AdminActed")) == 1


class TestReload:
    SETTINGS = "version: 1\nproviders: {demo: {}}\nhooks: {disabled: [audit, %s]}\n"

    def test_brings_a_plugins_routes_to_all(self, run_serve, ticker, tmp_path):
        """
        A plugin that a reload activates answers; what waits for a start is said.
        """
        off, on = self.SETTINGS % "ticker", self.SETTINGS % ""
        serving = run_serve("--workers", "2", environ=ticker, settings=off)
        before = serving.admin("/api/ticker")
        (tmp_path / "gateway.yaml").write_text(on)

        report = serving.admin("/api/reload", {}).json
        during = serving.admin("/api/ticker")
        (tmp_path / "gateway.yaml").write_text(off)
        serving.admin("/api/reload", {})
        after = serving.admin("/api/ticker")

        assert (before.status, during.status, after.status) == (404, 200, 404)
        assert report["needs_restart"] == ["process ticker"]

    def test_brings_a_plugins_routes_to_one_process(self, run_serve, ticker, tmp_path):
        """
        Without a supervisor it is the same.
        """
        serving = run_serve(environ=ticker, settings=self.SETTINGS % "ticker")
        before = serving.admin("/api/ticker")
        (tmp_path / "gateway.yaml").write_text(self.SETTINGS % "")

        serving.admin("/api/reload", {})

        assert (before.status, serving.admin("/api/ticker").status) == (404, 200)
        assert "supervisor" not in serving.admin("/api/status").json


class TestOnce:
    def test_a_process_runs_once_beside_the_workers(self, run_serve, ticker, tmp_path):
        """
        What a plugin registers runs once, is started again when it dies, and ends with all.
        """
        ticks = tmp_path / "ticks"
        serving = run_serve("--workers", "2", environ=ticker)
        serving.until(ticks.exists)
        serving.until(ticks.read_text)
        (process,) = serving.admin("/api/status").json["processes"]
        first = ticks.read_text().split()

        os.kill(process["pid"], signal.SIGKILL)
        serving.until(lambda: len(ticks.read_text().split()) == 2)

        assert process["name"] == "ticker"
        assert first == [str(process["pid"])]
        assert serving.end() == 0

    def test_one_worker_with_a_process_has_a_supervisor(self, run_serve, ticker):
        """
        A process must not end with a worker, so that it has an owner of its own.
        """
        serving = run_serve(environ=ticker)

        status = serving.admin("/api/status").json

        assert status["supervisor"] == serving.pid
        assert [worker["pid"] for worker in status["workers"]] != [serving.pid]

    def test_a_plugins_route_is_answered_by_a_worker(self, run_serve, ticker):
        """
        The supervisor hands plugins' management routes to one of the workers.
        """
        serving = run_serve("--workers", "2", environ=ticker)

        answer = serving.admin("/api/ticker")

        pids = [worker["pid"] for worker in workers_of(serving)]
        assert json.loads(answer.body)["pid"] in pids


def test_a_folder_that_cannot_be_made_is_told_before_anything_starts(tmp_path):
    """
    By the key of the settings, not as a traceback of the process that needs it.
    """

    class Ticking(Plugin):
        @hookimpl
        def register_processes(self):
            return [ProcessSpec(name="ticker", target="nowhere:tick")]

    (tmp_path / "file").touch()
    server = {"data_dir": str(tmp_path / "file"), "listen": "127.0.0.1:0"}
    gateway = Gateway(
        settings_from_dict({"server": server, "providers": {"demo": {}}}),
        plugins=[Ticking],
    )

    with pytest.raises(ConfigError, match=r"server\.data_dir: .*file cannot be made"):
        supervise(gateway, Launch(), {})


def test_a_port_where_another_gateway_serves_is_told_before_anything_starts(run_serve):
    """
    Two gateways with workers do not share a port: each would answer a part of the callers.
    """
    serving = run_serve("--workers", "2")
    address = serving.started["calls"].removeprefix("http://")
    server = {"listen": address, "workers": 2}
    gateway = Gateway(
        settings_from_dict({"server": server, "providers": {"demo": {}}}), plugins=[]
    )

    with pytest.raises(ConfigError, match=f"{address} cannot be listened on"):
        supervise(gateway, Launch(), {})
