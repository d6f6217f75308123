from __future__ import annotations

import json

import pytest

from gateway.app import Gateway
from gateway.server.banner import Started
from gateway.settings import settings_from_dict, settings_from_environment

STARTED = Started(calls="http://127.0.0.1:1", admin="http://127.0.0.1:2", pid=7)


def gateway_of(settings, environ=None) -> Gateway:
    return Gateway(settings, installed=False, environ=environ or {})


@pytest.fixture
def newcomer() -> Gateway:
    """
    A gateway without a file, with a key found in the environment.
    """
    environ = {"OPENAI_API_KEY": "sk-canary-0123456789"}
    return gateway_of(settings_from_environment(environ), environ)


def test_line_is_one_line_of_json(newcomer):
    """
    A program reads where it serves.
    """
    line = STARTED.line(newcomer)

    assert line.count(b"\n") == 1
    told = json.loads(line)
    assert (told["event"], told["calls"], told["pid"]) == (
        "started",
        "http://127.0.0.1:1",
        7,
    )


def test_banner_says_what_is_not_enforced_and_what_costs(newcomer):
    """
    A newcomer is told that nothing is enforced, and which key would be spent; never its value.
    """
    banner = STARTED.banner(newcomer)

    assert "no gateway.yaml here: nothing is enforced, this machine only" in banner
    assert "openai/* (OPENAI_API_KEY found: costs real money)" in banner
    assert "no token: loopback only" in banner
    assert "curl -s 127.0.0.1:1/v1/chat/completions" in banner
    assert "canary" not in banner


def test_banner_bounds_the_models():
    """
    A thousand aliases do not fill the screen.
    """
    models = {f"model-{number}": "demo/echo" for number in range(1000)}
    settings = settings_from_dict(
        {"version": 1, "providers": {"demo": {}}, "models": models}
    )

    banner = STARTED.banner(gateway_of(settings))

    assert "and 995 more" in banner
    assert len(banner) < 1500
