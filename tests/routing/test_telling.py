from __future__ import annotations

import pytest
import structlog
from structlog.testing import LogCapture

from gateway import Plugin, hookimpl
from gateway.events import KeyHealthChanged
from gateway.routing import telling
from gateway.routing.health import Cooling
from gateway.routing.telling import teller
from gateway.settings import settings_from_dict
from gateway.testing import GatewayClient, Script, settings_for


@pytest.fixture(name="lines")
def _lines(monkeypatch) -> list:
    """
    What is logged, whatever level other tests let through.
    """
    capture = LogCapture()
    logger = structlog.wrap_logger(
        None, processors=[capture], wrapper_class=structlog.stdlib.BoundLogger
    )
    monkeypatch.setattr(telling, "log", logger)
    return capture.entries


def test_a_place_that_cools_is_logged_and_published(clock, lines):
    """
    With who, for how long and why; the event leaves out the model's name, which callers choose.
    """
    events = []
    cooling = Cooling(
        place=("openai", None, "gpt-5"),
        state="cooling",
        left_s=10.04,
        why="status 503",
        party="team a",
    )

    teller(events.append, clock)(cooling)

    assert lines == [
        {
            "event": "provider is cooling down",
            "log_level": "warning",
            "provider": "openai",
            "model": "gpt-5",
            "for_s": 10.0,
            "why": "status 503",
            "party": "team a",
        }
    ]
    assert events == [
        KeyHealthChanged(
            at=clock.now(),
            provider="openai",
            key="",
            is_healthy=False,
            reason="status 503, of one model alone, for team a alone",
        )
    ]


def test_a_place_that_is_well_again_is_told_too(clock, lines):
    """
    So that whoever was called knows that it is over.
    """
    events = []
    well = Cooling(place=("openai", "main"), state="well", left_s=0, why="status 503")

    teller(events.append, clock)(well)

    assert [line["event"] for line in lines] == ["provider is well again"]
    assert [(one.key, one.is_healthy) for one in events] == [("main", True)]


async def test_plugins_hear_of_a_provider_that_is_down(fake_upstream):
    """
    From a gateway that runs, and that it is well again after the settings were read anew.
    """
    heard = []

    class Hearing(Plugin):
        @hookimpl
        def on_event(self, event):
            if isinstance(event, KeyHealthChanged):
                heard.append((event.provider, event.is_healthy))

    ask = {"model": "openai/m", "messages": [{"role": "user", "content": "hello"}]}
    settings = settings_for(fake_upstream, routing={"cooldown_s": 0.001})
    async with GatewayClient(settings, plugins=[Hearing]) as client:
        fake_upstream.script("m", Script(status=500))
        while not heard:
            await client.post("/v1/chat/completions", ask)
        await client.gateway.reload(settings_from_dict(settings))
        fake_upstream.script("m", Script(text="well"))

        while len(heard) < 2 or not heard[-1][1]:
            await client.post("/v1/chat/completions", ask)

    assert heard[0] == ("openai", False)
    assert heard[-1] == ("openai", True)
