"""
Answers that several callers get, from the cache or of one call, by the rules of each.
"""

from __future__ import annotations

import asyncio

import pytest

from gateway import Identity, Phase, Plugin, hookimpl
from gateway.plugins import FoundPlugin
from gateway.testing import GatewayClient, Script, settings_for
from gateway_caching import CachingPlugin
from gateway_caching.entries import Entry
from gateway_guardrails import GuardrailsPlugin

MINE, OTHERS, MODELS = "anna@mine.org", "bob@others.org", "carl@model.org"
PATH = "/v1/chat/completions"


class NamingPlugin(Plugin):
    """
    Takes who calls from a header.
    """

    phase = Phase.IDENTIFY

    @hookimpl
    async def pre_request(self, exchange):
        exchange.identity = Identity(key_id=exchange.headers["x-key"], team_id="t")


@pytest.fixture
async def start(fake):
    """
    A function that starts a gateway with both plugins; a team shares its answers.
    """
    clients = []

    async def started(**rules):
        tables = {
            "guardrails": {"rules": rules},
            "caching": {"store": "memory", "partition": "team"},
        }
        client = GatewayClient(
            settings_for(fake, plugins=tables),
            plugins=[
                FoundPlugin(name="guardrails", cls=GuardrailsPlugin),
                FoundPlugin(name="caching", cls=CachingPlugin),
                FoundPlugin(name="naming", cls=NamingPlugin),
            ],
        )
        clients.append(client)
        return await client.__aenter__()

    yield started
    for client in clients:
        await client.__aexit__(None, None, None)


def pii(**rest):
    return {"detectors": ["pii"], "action": "redact", "restore": True, **rest}


async def ask(client, text, key, *, stream=False, **headers):
    document = {
        "model": "openai/m",
        "temperature": 0,
        "stream": stream,
        "messages": [{"role": "user", "content": text}],
    }
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await client.post(PATH, document, {"x-key": key, **told})
    answer.cache = answer.headers.get("x-gw-cache")
    answer.text = answer.body.decode()
    return answer


def entries_of(client):
    plugins = [each.plugin for each in client.gateway.hooks.plugins]
    (found,) = [each for each in plugins if isinstance(each, CachingPlugin)]
    pantry = found.shelf.pantry
    records = pantry.store._records.values()
    return [Entry.unpack(record.packed, pantry.sealer) for record in records]


async def test_each_gets_its_own_back_and_the_cache_nobodys(start):
    """
    One answer of the provider's serves all whose values stand in the same place.
    """
    client = await start(pii=pii())

    mine = await ask(client, f"mail {MINE}", "a")
    others = await ask(client, f"mail {OTHERS}", "b")

    assert MINE in mine.text
    assert others.cache == "hit"
    assert OTHERS in others.text
    assert MINE not in others.text
    assert not [entry for entry in entries_of(client) if b"@" in entry.body]


@pytest.mark.parametrize("at_once", [True, False], ids=["joined", "hit"])
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_an_answer_meets_the_rules_of_who_gets_it(start, fake, at_once, stream):
    """
    Whoever asked first had none.
    """
    text = f"a canary of {MODELS}"
    fake.script("m", Script(text=text, split=4, latency_ms=300 if at_once else 0))
    words = {"type": "words", "words": ["canary"]}
    client = await start(
        words={
            "detectors": [words],
            "stages": ["output"],
            "action": "block",
            "applies_to": {"virtual_keys": ["strict"]},
        },
        pii=pii(
            restore=False, stages=["output"], applies_to={"virtual_keys": ["masked"]}
        ),
    )
    free = asyncio.ensure_future(ask(client, "hello", "free"))
    if not at_once:
        await free

    strict, masked = await asyncio.gather(
        ask(client, "hello", "strict", stream=stream),
        ask(client, "hello", "masked", stream=stream),
    )

    assert "canary" in (await free).text
    assert "guardrail_blocked" in strict.text or "content_filter" in strict.text
    assert "canary" not in strict.text
    assert "model.org" not in masked.text
    assert len(list(fake.requests)) == 1


@pytest.mark.parametrize("at_once", [True, False], ids=["joined", "hit"])
async def test_an_answer_to_other_words_is_no_answer(start, fake, at_once):
    """
    A rule of one provider's numbers values by conversation, after the cache was asked: what
    one was answered of its first address is nothing for whom that is another.
    """
    fake.script("m", Script(latency_ms=300 if at_once else 0))
    client = await start(pii=pii(applies_to={"providers": ["openai"]}))
    await ask(client, f"mail {OTHERS}", "a", x_gw_conversation="two")
    one = asyncio.ensure_future(
        ask(client, f"mail {MINE}", "a", x_gw_conversation="one")
    )
    if not at_once:
        await one

    two = await ask(client, f"mail {MINE}", "a", x_gw_conversation="two")

    assert MINE in (await one).text
    assert MINE in two.text
    assert OTHERS not in two.text


async def test_an_answer_to_the_same_words_is_one(start):
    """
    Edited for the provider alike, they are.
    """
    client = await start(pii=pii(applies_to={"providers": ["openai"]}))
    await ask(client, f"mail {MINE}", "a")

    again = await ask(client, f"mail {MINE}", "b")

    assert again.cache == "hit"
    assert MINE in again.text
