"""
Instructions of the house.
"""

from __future__ import annotations

import pytest

from gateway import Identity
from gateway.testing import ManualClock, make_exchange
from gateway.testing.conformance import Conformance
from gateway_prompt_decorator import PromptDecoratorPlugin, PromptDecoratorSettings
from gateway_prompt_decorator.plugin import Decoration

TEAM = Identity(key_id="k", key_name="shop", team_id="retail")


def plugin(**decorations):
    made = {name: Decoration(**each) for name, each in decorations.items()}
    return PromptDecoratorPlugin(PromptDecoratorSettings(decorations=made))


def system_of(exchange):
    return [text.value for text in exchange.request.texts() if text.role == "system"]


async def test_words_are_put_in_front_with_their_places_filled():
    """
    Those of every decoration that fits, in their order.
    """
    exchange = make_exchange(clock=ManualClock(1_700_000_000.0), identity=TEAM)

    await plugin(
        a={"text": "Today is {date}."}, b={"text": "You serve {team} with {model}."}
    ).pre_request(exchange)

    assert system_of(exchange) == ["Today is 2023-11-14.\n\nYou serve retail with m."]


@pytest.mark.parametrize("told", [{"models": ["gpt-*"]}, {"teams": ["legal"]}], ids=str)
async def test_who_is_not_meant_is_left_alone(told):
    """
    Another model, another team: the request passes as it came.
    """
    exchange = make_exchange(identity=TEAM)
    before = exchange.request.encode()

    await plugin(a={"text": "W", **told}).pre_request(exchange)

    assert exchange.request.encode() == before


async def test_what_plugins_ask_is_not_decorated():
    """
    A guardrail's judge has instructions of its own.
    """
    exchange = make_exchange(parent=make_exchange())

    await plugin(a={"text": "W"}).pre_request(exchange)

    assert system_of(exchange) == []


async def test_a_prompt_without_a_place_for_it_passes():
    """
    The trail says that nothing was put in front.
    """
    exchange = make_exchange(dialect="openai_embeddings")

    await plugin(a={"text": "W"}).pre_request(exchange)

    assert exchange.reason == "a: no place for it"


async def test_the_provider_gets_the_words(gateway_client, fake_upstream):
    """
    In the dialect of an Anthropic caller too.
    """
    client = await gateway_client(
        PromptDecoratorPlugin,
        plugins={"promptdecorator": {"decorations": {"a": {"text": "Be brief."}}}},
    )

    answer = await client.post(
        "/v1/messages",
        {
            "model": "anthropic/m",
            "max_tokens": 9,
            "messages": [{"role": "user", "content": "hi"}],
        },
        {"anthropic-version": "2023-06-01"},
    )

    assert answer.status == 200
    (seen,) = fake_upstream.requests
    assert seen.json["system"] == "Be brief."


class TestConformance(Conformance):
    """
    The suite of ``gateway.testing``.
    """

    plugin = PromptDecoratorPlugin
    name = "prompt_decorator"
    settings = {"decorations": {"a": {"text": "Today is {date}."}}}
    wrong_settings = (
        {"decorations": {"a": {"text": "{secret}"}}},
        {"decorations": {"a": {}}},
    )
