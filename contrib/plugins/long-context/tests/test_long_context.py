"""
What is too long for a model goes to one that can hold it.
"""

from __future__ import annotations

import pytest

from gateway.testing import Script
from gateway.testing.conformance import Conformance
from gateway_long_context import LongContextPlugin

DETOUR = {"above_tokens": 100, "to": "anthropic/long"}


def asking(text, model="openai/short"):
    return {"model": model, "messages": [{"role": "user", "content": text}]}


@pytest.fixture
def start(gateway_client):
    async def started(**more):
        detours = {"openai/*": {**DETOUR, **more}}
        return await gateway_client(
            LongContextPlugin, plugins={"longcontext": {"detours": detours}}
        )

    return started


@pytest.mark.parametrize(
    ("text", "model"), [("a" * 300, "short"), ("a" * 301, "long"), ("ü" * 151, "long")]
)
async def test_long_prompts_go_elsewhere(start, fake_upstream, text, model):
    """
    To another provider, whose dialect is another one; short ones stay.
    """
    client = await start()

    answer = await client.post("/v1/chat/completions", asking(text))

    assert answer.status == 200
    assert [seen.json["model"] for seen in fake_upstream.requests] == [model]


async def test_a_model_that_is_not_meant_is_left_alone(start, fake_upstream):
    """
    However long the prompt is.
    """
    client = await start()

    await client.post("/v1/chat/completions", asking("a" * 999, "anthropic/x"))

    assert [seen.json["model"] for seen in fake_upstream.requests] == ["x"]


async def test_the_first_choice_can_stay_as_a_fallback(start, fake_upstream):
    """
    If the long model fails, the short one is tried, which may still fit.
    """
    fake_upstream.script("long", Script(status=500))
    client = await start(keeps_first=True)

    answer = await client.post("/v1/chat/completions", asking("a" * 999))

    assert answer.status == 200
    asked = [seen.json["model"] for seen in fake_upstream.requests]
    assert asked[0] == "long"
    assert asked[-1] == "short"


class TestConformance(Conformance):
    """
    The suite of ``gateway.testing``.
    """

    plugin = LongContextPlugin
    name = "long_context"
    settings = {"detours": {"*": {"above_tokens": 1, "to": "replay/long"}}}
    wrong_settings = (
        {"detours": {"*": {"above_tokens": 0, "to": "m"}}},
        {"detours": {"*": {"above_tokens": 5}}},
    )
