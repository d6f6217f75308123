"""
Canned answers.
"""

from __future__ import annotations

import openai
import pytest

from gateway.testing.conformance import Conformance
from gateway_canned import CannedPlugin

SETTINGS = {"answers": {"Weather": "It rains today."}, "otherwise": "No idea."}


@pytest.fixture
async def client(gateway_client):
    return await gateway_client(
        CannedPlugin,
        providers={"canned": {}},
        plugins={"canned": SETTINGS},
    )


@pytest.mark.parametrize(
    ("asked", "said"),
    [("What WEATHER is it?", "It rains today."), ("Who are you?", "No idea.")],
)
async def test_the_first_answer_that_fits_is_given(client, asked, said):
    """
    Whole and streamed, as the SDK reads them.
    """
    sdk = openai.AsyncOpenAI(base_url=client.openai_url, api_key="any")
    messages = [
        {"role": "user", "content": "weather"},
        {"role": "assistant", "content": "?"},
        {"role": "user", "content": asked},
    ]
    async with sdk:
        whole = await sdk.chat.completions.create(model="canned/any", messages=messages)
        stream = await sdk.chat.completions.create(
            model="canned/any", messages=messages, stream=True
        )
        streamed = "".join(
            [c.choices[0].delta.content or "" async for c in stream if c.choices]
        )

    assert whole.choices[0].message.content == streamed == said
    assert whole.usage is not None
    assert whole.usage.completion_tokens == len(said.split())


async def test_callers_of_another_dialect_get_it_translated(client):
    """
    An Anthropic client asks the same provider.
    """
    answer = await client.post(
        "/v1/messages",
        {
            "model": "canned/any",
            "max_tokens": 99,
            "messages": [{"role": "user", "content": "weather"}],
        },
        {"anthropic-version": "2023-06-01"},
    )

    assert answer.json["content"] == [{"type": "text", "text": "It rains today."}]


class TestConformance(Conformance):
    """
    The suite of ``gateway.testing``.
    """

    plugin = CannedPlugin
    name = "canned"
    settings = SETTINGS
    wrong_settings = ({"pace_s": -1}, {"answers": ["a"]})
