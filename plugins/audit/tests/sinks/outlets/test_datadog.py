"""
Datadog's log intake, as its documentation describes it.
"""

from __future__ import annotations

import json
import time

import pytest
from aiohttp import web

from gateway_audit.sinks.outlets.datadog import DatadogOutlet
from gateway_audit.sinks.settings import sinks_from_json

MAX_PAYLOAD, MAX_LOG, MAX_LOGS = 5_000_000, 1_000_000, 1000


class Datadog:
    """
    The intake: it refuses what is too much, and cuts a log that is too long without a word.
    """

    def __init__(self, listener):
        self.listener = listener
        self.logs = []
        self.cut = 0
        listener.usual = self.answer

    def answer(self, request, body):
        assert request.path == "/api/v2/logs"
        if request.headers.get("dd-api-key") != "tok-123":
            return web.Response(status=403)
        logs = json.loads(body)
        if len(body) > MAX_PAYLOAD or len(logs) > MAX_LOGS:
            return web.Response(status=413)
        self.cut += sum(len(json.dumps(log)) > MAX_LOG for log in logs)
        self.logs += logs
        return web.json_response({}, status=202)

    def places(self):
        found = [log["ocsf"]["unmapped"] for log in self.logs]
        return [each.get("index", f"#{each.get('tree_size')}") for each in found]


@pytest.fixture
def datadog(listener):
    return Datadog(listener)


def settings_of(datadog):
    return {"type": "datadog", "url": datadog.listener.url, "secret": "env.TOKEN"}


async def test_logs_are_accepted(yard, signing, datadog):
    """
    Under the time at which things happened.
    """
    signing.write(2)

    await yard.deliver(yard.ship(**settings_of(datadog)))

    assert datadog.places() == [0, 1, "#2"]
    first = datadog.logs[0]
    assert (first["timestamp"], first["service"]) == (1_790_000_000_000, "gatewright")
    assert (first["ddsource"], first["status"]) == ("gatewright", "info")


async def test_a_long_log_stays_within_the_limits(yard, signing, datadog):
    """
    Large entries and many: nothing is refused for its size, and nothing is cut.
    """
    signing.write(1500)
    signing.write(120, text='"' * 30_000)

    await yard.deliver(yard.ship(**settings_of(datadog)))

    assert datadog.places() == [*range(1500), "#1500", *range(1500, 1620), "#1620"]
    assert datadog.cut == 0


async def test_another_success_than_202_is_none(yard, signing, datadog):
    """
    A proxy's own 200 says nothing of Datadog.
    """
    signing.write(1)
    datadog.listener.script = [web.Response(status=200), web.Response(status=429)]

    await yard.deliver(yard.ship(**settings_of(datadog)))

    assert datadog.places() == [0, "#1"]


async def test_what_is_older_than_eighteen_hours_is_counted(yard, signing, datadog):
    """
    It is sent all the same; the status says how many Datadog may show under another time.
    """
    now = int(time.time() * 1000)
    signing.at_ms = now
    signing.write(2, at=now - 19 * 3_600_000)
    signing.write(1, at=now)
    ship = yard.ship(**settings_of(datadog))

    await yard.deliver(ship)

    assert datadog.places() == [0, 1, "#2", 2, "#3"]
    assert ship.document()["stale"] == 2


async def test_a_log_that_would_be_cut_is_not_sent(yard, signing, datadog, monkeypatch):
    """
    Datadog says 2xx and cuts it: it is counted as refused instead.
    """
    monkeypatch.setattr("gateway_audit.sinks.outlets.datadog.MAX_LOG", 20_000)
    signing.write(1)
    signing.write(1, text="x" * 30_000)
    settings = sinks_from_json({"sink": settings_of(datadog)})["sink"]
    ship = yard.ship(outlet=DatadogOutlet(settings=settings, way=yard.way))

    await yard.deliver(ship)

    assert datadog.places() == [0, "#1", "#2"]
    assert ship.document()["last_refused"] == 1
