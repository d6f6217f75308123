"""
The official SDKs, whole gateway and fake vendors, over sockets.
"""

from __future__ import annotations

import anthropic
import openai
import pytest

from gateway.testing import FakeUpstream, GatewayClient, settings_for


@pytest.fixture(name="fake")
async def _fake():
    """
    A vendor that refuses what the real ones refuse.
    """
    async with FakeUpstream(strict=True) as fake:
        yield fake


@pytest.fixture(name="client")
async def _client(fake):
    """
    A gateway in front of it, without plugins.
    """
    async with GatewayClient(settings_for(fake, routing={"retries": 0})) as client:
        yield client


@pytest.fixture(name="openai_sdk")
async def _openai_sdk(client):
    """
    OpenAI's SDK, pointed at the gateway by its base URL alone.
    """
    async with openai.AsyncOpenAI(
        base_url=client.openai_url, api_key="unused", max_retries=0, timeout=10
    ) as sdk:
        yield sdk


@pytest.fixture(name="anthropic_sdk")
async def _anthropic_sdk(client):
    """
    Anthropic's SDK, pointed at the gateway by its base URL alone.
    """
    async with anthropic.AsyncAnthropic(
        base_url=client.url, api_key="unused", max_retries=0, timeout=10
    ) as sdk:
        yield sdk
