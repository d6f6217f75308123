"""
Similar questions beside real policies: who pays for vectors, whose answers are whose.
"""

from __future__ import annotations

import asyncio

import pytest

from gateway.plugins import FoundPlugin
from gateway.testing import FakeUpstream, GatewayClient, Script, settings_for
from gateway_caching import CachingPlugin
from gateway_governance import GovernancePlugin
from gateway_guardrails import GuardrailsPlugin

ONE = "How do I reset my password?"
ALIKE = "Please tell me how to reset my password"
WORD = "tulip"
#: USD per million tokens: what is embedded costs a thousand times what is said.
PRICES = {
    "embedding": {"model": "embedding", "prices": {"input": 1000, "output": 1}},
    "all": {"model": "*", "prices": {"input": 1, "output": 1}},
}
PLUGINS = {
    "governance": GovernancePlugin,
    "guardrails": GuardrailsPlugin,
    "caching": CachingPlugin,
}


@pytest.fixture
async def fake():
    async with FakeUpstream() as vendor:
        vendor.script("m", Script(text=f"the code is {WORD}"))
        yield vendor


@pytest.fixture
async def client(fake):
    """
    Governance, guardrails and a cache of teams' answers, with an embedding model.
    """
    tables = {
        "governance": {
            "require_key": True,
            "teams": {"one": {}, "two": {}},
            "pricing_overrides": PRICES,
        },
        "guardrails": {"rules": {}},
        "caching": {
            "store": "memory",
            "partition": "team",
            "default": {"threshold": 0.3},
            "semantic": {"model": "openai/embedding"},
        },
    }
    client = GatewayClient(
        settings_for(fake, plugins=tables),
        plugins=[FoundPlugin(name=name, cls=cls) for name, cls in PLUGINS.items()],
    )
    async with client:
        yield client


@pytest.fixture
def key_of(client):
    """
    A function that makes a virtual key of a team.
    """

    async def made(name, team):
        told = {"name": name, "team_id": team, "allow_all_providers": True}
        answer = await client.post("/api/governance/virtual-keys", told)
        assert answer.status in {200, 201}, answer.body
        return answer.json["virtual_key"]

    return made


@pytest.fixture
def ask(client):
    """
    A function that asks in a key's name, and waits until what is to be kept is.
    """
    shelf = client.gateway.plugin(CachingPlugin).shelf

    async def asked(text, value):
        document = {
            "model": "openai/m",
            "temperature": 0,
            "max_tokens": 50,
            "messages": [{"role": "user", "content": text}],
        }
        headers = {"Authorization": f"Bearer {value}"}
        answer = await client.post("/v1/chat/completions", document, headers)
        assert answer.status == 200, answer.body
        async with asyncio.timeout(20):
            while len(shelf.flights):  # noqa: ASYNC110 - which tell nobody
                await asyncio.sleep(0.005)
        return answer

    return asked


async def test_a_guardrail_that_came_later_acts_on_a_similar_hit(client, ask, key_of):
    """
    What was kept is what the provider said.
    """
    value = (await key_of("k", "one"))["value"]
    first = await ask(ONE, value)
    words = {"detectors": [{"type": "words", "words": [WORD]}], "action": "redact"}
    rule = {"name": "late", "rule": words}
    made = await client.post("/api/guardrails/rules", rule)
    assert made.status in {200, 201}, made.body

    again = await ask(ALIKE, value)

    assert WORD.encode() in first.body
    assert again.headers["x-gw-cache-type"] == "semantic"
    assert WORD.encode() not in again.body


async def test_no_answer_moves_with_a_key(client, ask, key_of):
    """
    A key that is rotated keeps its team's answers; one that moves finds none of the old team's.
    """
    key = await key_of("k", "one")
    await ask(ONE, key["value"])
    path = f"/api/governance/virtual-keys/{key['id']}"

    rotated = await client.post(f"{path}/rotate", {})
    value = rotated.json["virtual_key"]["value"]
    after_rotation = await ask(ALIKE, value)
    moved = await client.ask("PUT", path, {"team_id": "two"})
    assert moved.status == 200, moved.body
    after_move = await ask(ALIKE, value)

    assert after_rotation.headers["x-gw-cache-type"] == "semantic"
    assert after_move.headers["x-gw-cache"] == "miss"


async def test_the_caller_pays_for_vectors(client, ask, key_of, fake):
    """
    Each as any call of the key's.
    """
    key = await key_of("k", "one")
    await ask(ONE, key["value"])

    await ask(ALIKE, key["value"])

    embedded = [each for each in fake.requests if each.path == "/v1/embeddings"]
    path = f"/api/governance/usage?by=model&virtual_key_id={key['id']}"
    usage = (await client.ask("GET", path)).json["usage"]
    (spent,) = [row for row in usage if row["model"] == "embedding"]
    assert len(embedded) == spent["attempts"] == 2
    assert spent["cost_nano"] > 0
