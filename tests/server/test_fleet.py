from __future__ import annotations

from typing import ClassVar

import pytest
from log_outputs import Nowhere
from structlog.testing import capture_logs

from gateway import Phase, Plugin, hookimpl
from gateway.app import Gateway
from gateway.errors import ConfigError, Problem
from gateway.events import SettingsChanged, SettingsRefused
from gateway.plugins import FoundPlugin
from gateway.registrations import Route
from gateway.server.fleet import (
    Solo,
    fleet_status,
    health_of,
    reload_report,
    run_route,
    try_settings,
)
from gateway.server.launch import Launch
from gateway.server.logs import LogOutput
from gateway.server.management import SettingsRejected
from gateway.server.serve import reload_quietly
from gateway.server.station import Station
from gateway.settings import Address, load_settings, settings_from_dict

LOOPBACK = Address("127.0.0.1", 8080)
GOOD = "version: 1\nproviders: {demo: {}}\nhooks: {only: []}\n"


class ListenerPlugin(Plugin):
    phase = Phase.OBSERVE
    heard: ClassVar[list] = []

    says = ""

    @hookimpl
    def on_event(self, event):
        self.heard.append(event)

    def not_ready(self):
        return self.says

    def warnings(self):
        return [self.says] if self.says else []


class ObjectorPlugin(Plugin):
    phase = Phase.OBSERVE

    async def start_problems(self, gateway, secrets):
        if secrets is None:
            raise AssertionError
        return [Problem("cannot start", path="models")]


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "gateway.yaml"
    file.write_text(GOOD)
    return file


@pytest.fixture
async def solo(file):
    """
    A fleet of one, by a file.
    """
    ListenerPlugin.heard = []
    gateway = Gateway(
        settings_from_dict({"version": 1, "providers": {"demo": {}}}),
        plugins=[FoundPlugin(name="listener", cls=ListenerPlugin)],
        installed=False,
        environ={},
    )
    station = Station(gateway, LogOutput(Nowhere(), is_text=False))
    async with gateway:
        yield Solo(station, Launch(file=file), LOOPBACK, {})


class TestReload:
    async def test_takes_up_the_file(self, solo, file):
        """
        What changed is told, and to the plugins who did it.
        """
        new = "version: 1\nproviders: {demo: {}}\nmodels: {fast: demo/echo}\n"
        file.write_text(new)

        report = await solo.reload("oncall")

        assert report["changed"] == ["models.fast"]
        (event,) = [e for e in ListenerPlugin.heard if isinstance(e, SettingsChanged)]
        assert (event.actor, event.changed) == ("oncall", ("models.fast",))

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("version: [\n", "gateway.yaml"),
            (
                "version: 1\nmodels: {fast: nowhere/x}\n",
                "gateway.yaml:2:16 models.fast",
            ),
            ("version: 1\nhooks: {required: [bogus]}\n", "plugin bogus: required"),
            ("version: 1\nadmin: {a: {secret: vault.x}}\n", "admin.a.secret"),
        ],
        ids=["no-yaml", "bad-target", "missing-plugin", "unknown-store"],
    )
    async def test_a_fault_changes_nothing(self, solo, file, text, problem):
        """
        Whatever is wrong, it is told with its place, the plugins hear of it, nothing changes.
        """
        before = solo.gateway.settings
        file.write_text(text)

        with pytest.raises(SettingsRejected) as caught:
            await solo.reload("oncall")

        assert problem in "\n".join(map(str, caught.value.problems))
        assert caught.value.status == 422
        assert solo.gateway.settings is before
        (event,) = [e for e in ListenerPlugin.heard if isinstance(e, SettingsRefused)]
        assert event.actor == "oncall"

    async def test_all_faults_are_told_at_once(self, solo, file):
        """
        Those of plugins beside those of the core.
        """
        file.write_text("models: {fast: nowhere/x}\nhooks: {required: [bogus]}\n")

        with pytest.raises(SettingsRejected) as caught:
            await solo.reload("oncall")

        told = list(map(str, caught.value.problems))
        assert ["models.fast" in told[0], "plugin bogus" in told[1]] == [True, True]

    @pytest.mark.parametrize("is_begun", [False, True])
    async def test_a_refusal_is_one_line_of_the_log(
        self, solo, file, monkeypatch, is_begun
    ):
        """
        Where nobody is answered, as by SIGHUP, whether it failed before it was begun or after.
        """

        async def fails(*_, **__):
            raise ConfigError(Problem("cannot start"))

        if is_begun:
            monkeypatch.setattr(solo.gateway, "reload", fails)
        else:
            file.write_text("version: 2\n")

        with capture_logs() as lines:
            await reload_quietly(solo)

        (line,) = lines
        assert (line["event"], line["actor"]) == ("settings not reloaded", "SIGHUP")
        assert len(line["problems"]) == 1

    async def test_what_could_not_start_is_not_begun(self, solo, file, monkeypatch):
        """
        Plugins are asked before any begins: what one stored could not be taken back.
        """
        before = solo.gateway.settings
        file.write_text("version: 1\nproviders: {demo: {}}\n")

        def trying(settings, *_):
            found = FoundPlugin(name="objector", cls=ObjectorPlugin)
            return Gateway(settings, plugins=[found], installed=False, environ={})

        monkeypatch.setattr("gateway.server.fleet.try_settings", trying)

        with pytest.raises(SettingsRejected, match="models: cannot start"):
            await solo.reload("oncall")

        assert solo.gateway.settings is before
        assert [type(e) for e in ListenerPlugin.heard if e.at][-1] is SettingsRefused

    def test_authentication_cannot_be_reloaded_away(self, file):
        """
        Settings that would open a network listener to everybody are refused.
        """
        settings = load_settings(file)

        with pytest.raises(SettingsRejected, match="would let the network spend"):
            try_settings(settings, Launch(), Address("0.0.0.0", 80), {})

    def test_report_names_what_waits_for_a_restart(self):
        """
        A listener does not move by a reload, and the report says so.
        """
        before = settings_from_dict({"version": 1})
        after = settings_from_dict({"version": 1, "server": {"listen": "127.0.0.1:9"}})

        report = reload_report(before, after, ["/toy", "process ticker"])

        assert report["needs_restart"] == ["server.listen", "/toy", "process ticker"]


class TestStatus:
    async def test_states_that_differ_are_mixed(self, solo):
        """
        A fleet of which one drains is neither ready nor draining.
        """
        one = (await solo.status())["workers"][0]
        workers = [{**one, "state": "ready"}, {**one, "state": "draining"}]

        told = fleet_status(solo.gateway, workers, LOOPBACK)

        assert told["state"] == "mixed"
        assert told["calls"] == "http://127.0.0.1:8080"

    async def test_a_plugin_in_the_way_is_the_state(self, solo, monkeypatch):
        """
        With its reason; what it warns of is listed.
        """
        solo._station.health.ready()
        well = await solo.status()
        monkeypatch.setattr(ListenerPlugin, "says", "no room")
        told = await solo.status()

        assert (well["state"], well["warnings"]) == ("ready", [])
        assert (told["state"], told["warnings"]) == (
            "listener: no room",
            ["listener: no room"],
        )

    async def test_what_several_workers_warn_of_is_one(self, solo):
        """
        A worker that does not answer warns of nothing.
        """
        one = (await solo.status())["workers"][0]
        silent = {key: one[key] for key in one if key != "warnings"}
        workers = [
            {**one, "warnings": ["a: full", "b: slow"]},
            {**one, "warnings": ["a: full"]},
            silent,
        ]

        told = fleet_status(solo.gateway, workers, LOOPBACK)

        assert told["warnings"] == ["a: full", "b: slow"]

    async def test_health_names_the_place(self, solo):
        """
        A model that cools down is told with its provider, its key and why.
        """
        health = solo.gateway.runtime.router.health
        health.failed(("demo", "main", "echo"), "timed out", cools=True)

        (told,) = health_of(solo.gateway)

        assert (told["provider"], told["key"], told["model"]) == (
            "demo",
            "main",
            "echo",
        )
        assert (told["state"], told["why"]) == ("cooling", "timed out")


async def test_a_route_whose_plugin_is_gone_is_404(solo):
    """
    A reload may take a plugin away; its routes stay in the table and say so.
    """
    route = Route(method="GET", path="/api/x", permission="x:read", handler=print)

    with pytest.raises(Exception, match="is not active"):
        await run_route(solo.gateway, route, None)
