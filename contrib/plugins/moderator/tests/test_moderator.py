"""
A model that judges, asked through the gateway.
"""

from __future__ import annotations

import pytest

from gateway.testing import Script
from gateway.testing.conformance import Conformance
from gateway_moderator import ModeratorPlugin

ASK = {"model": "openai/m", "messages": [{"role": "user", "content": "hello there"}]}


@pytest.fixture
async def client(gateway_client):
    return await gateway_client(
        ModeratorPlugin,
        plugins={"moderator": {"model": "openai/judge", "max_characters": 100}},
    )


async def test_what_the_judge_allows_goes_on(client, fake_upstream):
    """
    The judge is shown what the user asked, and nothing of the rest.
    """
    fake_upstream.script("judge", Script(text="ALLOW."))
    fake_upstream.script("m", Script(text="answered"))

    answer = await client.post("/v1/chat/completions", ASK)

    judged, asked = fake_upstream.requests
    assert answer.json["choices"][0]["message"]["content"] == "answered"
    assert "hello there" in judged.json["messages"][1]["content"]
    assert (judged.json["model"], asked.json["model"]) == ("judge", "m")


@pytest.mark.parametrize(
    ("script", "status", "code"),
    [
        (Script(text="BLOCK"), 400, "guardrail_blocked"),
        (Script(text="I would rather not say"), 503, "unjudged"),
        (Script(status=500), 503, "unjudged"),
    ],
)
async def test_what_is_not_allowed_does_not_pass(
    client, fake_upstream, script, status, code
):
    """
    Blocked, or not judged at all: the model behind is not asked.
    """
    fake_upstream.script("judge", script)

    answer = await client.post("/v1/chat/completions", ASK)

    assert (answer.status, answer.headers["x-gw-code"]) == (status, code)
    assert "m" not in {seen.json["model"] for seen in fake_upstream.requests}


async def test_what_is_too_long_to_judge_is_refused(client, fake_upstream):
    """
    Nothing is judged in part.
    """
    long = {**ASK, "messages": [{"role": "user", "content": "x" * 101}]}

    answer = await client.post("/v1/chat/completions", long)

    assert answer.headers["x-gw-code"] == "guardrail_unenforceable"
    assert list(fake_upstream.requests) == []


class TestConformance(Conformance):
    """
    The suite of ``gateway.testing``, with a judge that allows.
    """

    plugin = ModeratorPlugin
    name = "moderator"
    settings = {"model": "replay/m"}
    tells_plugins = "ALLOW"
    wrong_settings = ({}, {"model": ""}, {"model": "m", "max_tokens": 0})
