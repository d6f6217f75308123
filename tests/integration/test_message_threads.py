"""
Conversations that Anthropic keeps (``thread``), of which its SDK sends only what is new.

The SDK's loop over tools begins one by itself.  Where it cannot be kept, all of it must go out.
"""

from __future__ import annotations

import anthropic
import pytest

from gateway.testing import GatewayClient, Script, ToolCall, settings_for
from gateway_governance import GovernancePlugin

KEY = "sk-threads-0123456789abcdef"
CALL = ToolCall(name="get_weather", arguments='{"city": "Oslo"}')


@anthropic.beta_async_tool
async def get_weather(city: str) -> str:
    """
    Get the weather.
    """
    return f"3 C in {city}"


@pytest.fixture(name="governed")
async def _governed(fake):
    """
    A gateway where the key has a budget, and nobody knows how much the model can read.
    """
    settings = settings_for(
        fake,
        routing={"retries": 0},
        plugins={
            "governance": {
                "virtual_keys": {
                    "a": {
                        "secret": "env.KEY",
                        "budgets": [{"limit_usd": 9, "per": "day"}],
                    }
                },
                "pricing_overrides": {
                    "all": {"model": "*", "prices": {"input": 1, "output": 10}}
                },
            }
        },
    )
    async with GatewayClient(
        settings, plugins=[GovernancePlugin], environ={"KEY": KEY}
    ) as client:
        yield client


async def run(url, model):
    """
    Let the SDK call one tool, and return what it made of the whole.
    """
    async with anthropic.AsyncAnthropic(
        base_url=url, api_key=KEY, max_retries=0, timeout=10
    ) as sdk:
        runner = sdk.beta.messages.tool_runner(
            model=model,
            max_tokens=1000,
            tools=[get_weather],
            messages=[{"role": "user", "content": "How is Oslo?"}],
        )
        return await runner.until_done()


async def test_kept_by_the_vendor_itself(fake, client):
    """
    Anthropic is sent what is new, as it would be without a gateway.
    """
    fake.enqueue(Script(text="", tool_calls=(CALL,)), Script(text="Cold."))

    said = await run(client.url, "anthropic/m")

    assert said.content[0].text == "Cold."
    kinds = [seen.json.get("thread", {}).get("type") for seen in fake.requests]
    assert kinds == ["create", "continue"]
    assert len(fake.requests[1].json["messages"]) == 1


async def test_another_vendor_hears_all_of_it(fake, client):
    """
    What was said before is not lost in translation: the SDK is told in Anthropic's words.
    """
    fake.enqueue(Script(text="", tool_calls=(CALL,)), Script(text="Cold."))

    said = await run(client.url, "openai/m")

    assert said.content[0].text == "Cold."
    roles = [message["role"] for message in fake.requests[-1].json["messages"]]
    assert roles == ["user", "assistant", "tool"]


async def test_a_budget_hears_all_of_it(fake, governed):
    """
    A prompt that stands in no body cannot be held for; the whole conversation can.
    """
    fake.enqueue(Script(text="", tool_calls=(CALL,)), Script(text="Cold."))

    said = await run(governed.url, "anthropic/m")

    assert said.content[0].text == "Cold."
    assert len(fake.requests[-1].json["messages"]) == 3
    assert "thread" not in fake.requests[-1].json
