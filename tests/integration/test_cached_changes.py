"""
Cached answers while the settings and the teams change around them.
"""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from stream_gates import Gate

from gateway.plugins import FoundPlugin
from gateway.settings import settings_from_dict
from gateway.testing import GatewayClient, Script, settings_for
from gateway_caching import CachingPlugin
from gateway_governance import GovernancePlugin

PATH = "/v1/chat/completions"
ASK = {
    "model": "openai/m",
    "temperature": 0,
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "hello"}],
}
VALUE = "vk-of-somebody-0123456789abcdef"


@pytest.fixture(name="told")
def _told(fake):
    """
    A function that makes settings; keywords are the cache's.
    """

    def settings(teams=("payments", "desk"), **caching):
        governance = {
            "require_key": True,
            "teams": {name: {} for name in teams},
            "virtual_keys": {"me": {"secret": "env.VK", "team": "payments"}},
        }
        return settings_for(
            fake,
            routing={"retries": 0},
            plugins={"governance": governance, "caching": caching},
        )

    return settings


@pytest.fixture(name="client")
async def _client(fake, told, tmp_path):
    fake.script("m", Script(pieces=("one ", "two ", "three")))
    client = GatewayClient(
        told(partition="team"),
        plugins=[
            FoundPlugin(name="governance", cls=GovernancePlugin),
            FoundPlugin(name="caching", cls=CachingPlugin),
            FoundPlugin(name="gate", cls=Gate),
        ],
        environ={"VK": VALUE},
        data_dir=tmp_path,
    )
    async with client:
        yield client


async def ask(client, value=VALUE, **more):
    headers = {"Authorization": f"Bearer {value}"}
    return await client.post(PATH, {**ASK, **more}, headers)


@pytest.mark.parametrize("first", ["hit", "miss"])
async def test_a_stream_goes_on_over_a_reload(client, told, fake, first):
    """
    To its end, under the settings that it began with; the next follows those of now.
    """
    if first == "hit":
        await ask(client, stream=True)
    gate = client.gateway.plugin(Gate)
    gate.is_open.clear()
    headers = {"Authorization": f"Bearer {VALUE}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            client.url + PATH, json={**ASK, "stream": True}, headers=headers
        ) as answer,
    ):
        began = await answer.content.readline()
        settings = told(partition="team", default={"enabled": False})
        await client.gateway.reload(settings_from_dict(settings))
        gate.is_open.set()
        rest = await answer.content.read()

    after = await ask(client, stream=True)

    said = (began + rest).decode()
    assert answer.headers["x-gw-cache"] == first
    assert all(word in said for word in ("one", "two", "three", "[DONE]"))
    assert after.headers["x-gw-cache"] == "bypass"
    assert len(list(fake.requests)) == 2


async def test_what_a_stream_filled_over_a_reload_is_found_after_it(client, told, fake):
    """
    By the cache of now, which has the store of before.
    """
    gate = client.gateway.plugin(Gate)
    gate.is_open.clear()
    waiting = asyncio.ensure_future(ask(client, stream=True))
    await fake.wait_for(lambda: fake.requests, timeout=5)
    settings = told(partition="team", default={"ttl_s": 60})
    await client.gateway.reload(settings_from_dict(settings))
    gate.is_open.set()
    await waiting

    again = await ask(client, stream=True)

    assert again.headers["x-gw-cache"] == "hit"
    assert len(list(fake.requests)) == 1


async def govern(client, method, path, document=None):
    answer = await client.ask(method, f"/api/governance/{path}", document or {})
    assert answer.status == 200, answer.body
    return answer.json


async def member(client, team_id, name):
    told = {"name": name, "allow_all_providers": True, "team_id": team_id}
    return (await govern(client, "POST", "virtual-keys", told))["virtual_key"]["value"]


async def team(client):
    told = {"name": "sales"}
    return (await govern(client, "POST", "teams", told))["team"]["id"]


async def test_answers_of_a_team_that_is_gone_are_nobodys(client, fake):
    """
    Neither the key gets them that was in it, nor a new team of the same name.
    """
    gone = await team(client)
    old = await member(client, gone, "old")
    await ask(client, old)
    within = await ask(client, old)
    await govern(client, "PUT", "virtual-keys/old", {"team_id": None})
    await govern(client, "DELETE", f"teams/{gone}")

    outside = await ask(client, old)
    new = await ask(client, await member(client, await team(client), "new"))

    told = [answer.headers["x-gw-cache"] for answer in (within, outside, new)]
    assert told == ["hit", "miss", "miss"]
    assert len(list(fake.requests)) == 3


async def test_a_key_of_a_team_that_is_taken_out_gets_no_hit(client, told, fake):
    """
    It is refused, as for a miss.
    """
    key = await member(client, "desk", "clerk")
    await ask(client, key)
    hit = await ask(client, key)
    await client.gateway.reload(settings_from_dict(told(teams=("payments",))))

    refused = await ask(client, key)

    assert hit.headers["x-gw-cache"] == "hit"
    assert refused.status == 403
    assert "x-gw-cache" not in refused.headers
    assert len(list(fake.requests)) == 1
