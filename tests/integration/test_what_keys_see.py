"""
What the holder of a virtual key learns on the callers' port: its models, and what is left of it.
"""

from __future__ import annotations

import asyncio

import aiohttp
import anthropic
import openai
import pytest

VALUES = {name: f"vk-of-{name}-0123456789" for name in ("agent", "app", "bare")}
SETTINGS = """
version: 1
providers:
  openai: {keys: {main: env.UP}}
  anthropic: {keys: {main: env.UP}}
models:
  fast: openai/gpt-5-mini
  "claude-*": anthropic/claude-*
plugins:
  governance:
    teams: {us: {budgets: [{limit_usd: 5, per: day}]}}
    virtual_keys:
      agent: {team: us, secret: env.VK_AGENT, models: ["claude-*"]}
      app: {team: us, secret: env.VK_APP, models: [fast]}
      bare: {secret: env.VK_BARE, models: [gpt-5]}
"""
ENVIRON = {"UP": "up-0123", **{f"VK_{n.upper()}": v for n, v in VALUES.items()}}


async def quota_of(url, name):
    headers = {"x-api-key": VALUES[name]}
    path = "/api/governance/virtual-keys/quota"
    async with (
        aiohttp.ClientSession() as session,
        session.get(url + path, headers=headers) as answer,
    ):
        return answer.status, await answer.json()


async def test_a_key_sees_its_models_and_its_quota(run_serve):
    """
    With management elsewhere and two workers: coding agents find the models behind a pattern,
    newer ones too, each key its own names alone, and what it shares with its team.
    """
    serving = await asyncio.to_thread(
        run_serve,
        *("--workers", "2", "--admin-listen", "127.0.0.1:0"),
        settings=SETTINGS,
        environ=ENVIRON,
    )
    url = serving.started["calls"]
    agent = anthropic.AsyncAnthropic(base_url=url, api_key=VALUES["agent"])
    app, bare = (
        openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=VALUES[name])
        for name in ("app", "bare")
    )

    async with agent, app, bare:
        claudes = [model.id async for model in agent.models.list(limit=1000)]
        fast = [model.id async for model in app.models.list()]
        plain = [model.id async for model in bare.models.list()]
        newest = await agent.models.retrieve("claude-of-tomorrow")
        with pytest.raises(openai.NotFoundError):
            await app.models.retrieve("claude-of-tomorrow")
        with pytest.raises(anthropic.NotFoundError):
            await agent.models.retrieve("gpt-of-tomorrow")
    status, quota = await quota_of(url, "agent")
    code = serving.end()

    assert "claude-sonnet-4-5" in claudes
    assert all(name.startswith("claude-") for name in claudes)
    assert newest.id == "claude-of-tomorrow"
    assert (fast, plain) == (["fast"], ["gpt-5"])
    assert (status, quota["virtual_key_name"]) == (200, "agent")
    assert quota["team"]["budgets"][0]["effective_limit"] == 5.0
    assert code == 0
