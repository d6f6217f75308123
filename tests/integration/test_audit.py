"""
Audit and governance together: what the log says is what happened, what was billed, and no more.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections import Counter, defaultdict

import pytest

from gateway import Phase, Plugin, codec, hookimpl
from gateway.plugins import FoundPlugin
from gateway.testing import FakeUpstream, GatewayClient, Script
from gateway_audit import AuditPlugin
from gateway_audit.bodies.sealing import unseal
from gateway_audit.index.writing import IndexWriter
from gateway_audit.places import Places
from gateway_audit.sequencing.followers import Followed
from gateway_audit.sequencing.keys import SigningKeys
from gateway_audit.sequencing.sequencer import Sequencer
from gateway_audit.spool.frames import frames
from gateway_audit.spool.names import segments
from gateway_governance import GovernancePlugin
from gateway_guardrails import GuardrailsPlugin

CHAT = "/v1/chat/completions"
VALUE = "vk-of-the-shop-0123456789abcdef"
KEY = {"Authorization": f"Bearer {VALUE}"}
PRICES = {"all": {"model": "*", "prices": {"input": 1, "output": 10}}}
GOVERNANCE = {
    "require_key": True,
    "virtual_keys": {
        "shop": {"secret": "env.VK", "budgets": [{"limit_usd": 5, "per": "day"}]}
    },
    "pricing_overrides": PRICES,
}


class Marks(Plugin):
    """
    Tells the vendor which exchange and which attempt a request is of.
    """

    phase = Phase.ANSWER

    @hookimpl
    async def before_attempt(self, exchange, attempt):
        attempt.headers["x-of-exchange"] = f"{exchange.id}.{attempt.number}"


PLUGINS = [
    FoundPlugin(name="audit", cls=AuditPlugin),
    FoundPlugin(name="governance", cls=GovernancePlugin),
    FoundPlugin(name="marks", cls=Marks),
]


@contextlib.asynccontextmanager
async def both(fake, data_dir, audit=None, **governance):
    """
    Run a gateway with both plugins in front of *fake*.
    """
    place = {"type": "openai-compatible", "base_url": fake.openai_url, "auth": "none"}
    settings = {
        "providers": {"p": place, "q": place},
        "models": {"safe": {"targets": ["p/bad"], "fallbacks": ["q/good"]}},
        "routing": {"retries": 0},
        "plugins": {
            "audit": audit or {},
            "governance": {**GOVERNANCE, **governance},
        },
    }
    client = GatewayClient(
        settings, plugins=PLUGINS, environ={"VK": VALUE}, data_dir=data_dir
    )
    async with client:
        yield client


def entries_in(data_dir, *kinds):
    found = [
        codec.loads(frame.entry)
        for segment in segments(data_dir / "audit" / "spool")
        for frame in frames(segment.path.read_bytes())
    ]
    return [each for each in found if not kinds or each["type"] in kinds]


def sequence(data_dir):
    """
    Make the log and its index of what was written.
    """
    places = Places.below(data_dir)
    origin = "gw.test/log"
    sequencer = Sequencer(
        places.root,
        keys=SigningKeys(places.root / "keys", places.log / "keys", origin),
        origin=origin,
        followers=[Followed("index", lambda: IndexWriter(places.index))],
    )
    sequencer.drain()
    sequencer.close()


@pytest.fixture(name="fake")
async def _fake():
    async with FakeUpstream(remember=100_000) as fake:
        yield fake


async def test_the_log_the_vendor_and_the_ledger_agree(fake, tmp_path, rng):
    """
    Every request that the vendor saw has an intent with target and hold; every outcome costs what
    the ledger says that it did; and nothing else stands in the log.
    """
    fake.script("bad", Script(status=500))
    for index in range(4):
        fake.script(f"m{index}", Script(text="word " * rng.randrange(1, 60)))

    async def call(client, number):
        model = ["p/m0", "p/m1", "q/m2", "q/m3", "safe"][number % 5]
        body = {"model": model, "max_tokens": 200, "stream": number % 3 == 0}
        body["messages"] = [{"role": "user", "content": "hello " * (number % 7 + 1)}]
        return await client.post(CHAT, body, KEY)

    async with both(fake, tmp_path) as client:
        answers = await asyncio.gather(*(call(client, each) for each in range(60)))
        rows = (await client.ask("GET", "/api/governance/usage/rows?limit=1000")).json[
            "rows"
        ]

    intents = entries_in(tmp_path, "intent")
    outcomes = {each["request"]: each for each in entries_in(tmp_path, "outcome")}
    seen = Counter(each.headers["x-of-exchange"] for each in fake.requests)
    assert {answer.status for answer in answers} == {200}
    assert Counter(f"{each['request']}.{each['attempt']}" for each in intents) == seen
    assert all(each["hold_nano"] > 0 for each in intents)
    assert all(each["target"].partition("/")[0] in {"p", "q"} for each in intents)
    assert {answer.headers["x-gw-request-id"] for answer in answers} == set(outcomes)
    charged = defaultdict(int)
    for row in rows:
        charged[row["exchange_id"]] += row["cost_nano"]
    assert {name: each["cost_nano"] for name, each in outcomes.items()} == charged
    places = {
        (each["request"], each["attempt"]): (each["worker"], each["seq"])
        for each in intents
    }
    for name, each in outcomes.items():
        for attempt in each["attempts"]:
            worker, seq = places[name, attempt["number"]]
            assert (worker, seq) < (each["worker"], each["seq"])


def canaries(rng: random.Random, count: int) -> list[str]:
    """
    Invent secrets that look like those of several makers.
    """
    makers = ("sk_" + "live_", "ghp_", "AK" + "IA", "xoxb-", "canary-")
    return [
        f"{makers[index % len(makers)]}{rng.getrandbits(80):020x}"
        for index in range(count)
    ]


async def test_nothing_that_a_caller_writes_is_in_the_log(fake, tmp_path, rng):
    """
    Twenty secrets through every field that a caller controls, well and badly: none is in the
    log, in the index, in a download or in any other file of the audit.
    """
    secret = canaries(rng, 20)
    headers = {
        **KEY,
        "x-request-id": secret[0],
        "user-agent": secret[1],
        "x-gw-run-id": secret[2],
        "referer": secret[3],
        "x-person": secret[4],
        "traceparent": secret[5],
        secret[6].replace("_", "-"): "1",
    }
    body = {
        "model": f"p/{secret[7]}",
        "messages": [
            {"role": "system", "content": secret[8]},
            {"role": "user", "name": "n", "content": secret[9]},
        ],
        "max_tokens": 5,
        "user": secret[10],
        "metadata": {"note": secret[11]},
        "stop": [secret[12]],
        "tools": [
            {"type": "function", "function": {"name": "f", "description": secret[13]}}
        ],
        "service_tier": secret[14],
        secret[15]: secret[16],
        "fallbacks": [f"q/{secret[17]}"],
    }
    plain = {name: body[name] for name in ("messages", "user", "metadata", "stop")}
    table = {"subject": {"header": "x-person"}}
    async with both(fake, tmp_path, audit=table) as client:
        answers = [
            await client.post(f"{CHAT}?key={secret[18]}", body, headers),
            await client.post(CHAT, {**body, "stream": True}, headers),
            await client.post(CHAT, {**plain, "model": body["model"]}, headers),
            await client.post(CHAT, {**plain, "model": "p/m", "stream": True}, headers),
            await client.post(CHAT, {**body, "model": secret[7]}, headers),
            await client.post(CHAT, body, {**headers, "Authorization": secret[19]}),
            await client.post(CHAT, b'{"model": "' + secret[9].encode(), headers),
            await client.post("/v1/messages", {**body, "stop": None}, headers),
            await client.post("/v1/responses", {**body, "input": secret[9]}, headers),
            await client.ask("GET", f"/v1/{secret[3]}", None, headers),
            await client.ask("GET", f"/api/{secret[3]}", None, headers),
        ]
        await asyncio.sleep(0)
        (plugin,) = (
            each.plugin for each in client.gateway.hooks.plugins if each.name == "audit"
        )
        plugin.recorder.tell_refusals()
        await plugin.recorder.journal.write(
            {"at": 0, "id": "", "seq": 0, "type": "t", "v": 1, "worker": ""},
            is_durable=True,
        )
        sequence(tmp_path)
        downloads = [
            await client.ask("GET", f"/api/audit?format={form}")
            for form in ("jsonl", "csv")
        ]
        listed = await client.ask("GET", "/api/audit?limit=1000")

    kinds = Counter(each["entry"]["type"] for each in listed.json["entries"])
    statuses = {answer.status for answer in answers}
    assert {200, 401, 404} <= statuses
    assert kinds["outcome"] >= 5
    assert kinds["intent"] >= 2
    files = [path for path in (tmp_path / "audit").rglob("*") if path.is_file()]
    assert len(files) > 5
    for word in secret:
        needle = word.encode()
        for path in files:
            assert needle not in path.read_bytes(), (word, path)
        for answer in (*downloads, listed):
            assert needle not in answer.body, word


REFUSALS = [
    pytest.param(3_000, id="3000"),
    pytest.param(50_000, id="50000", marks=pytest.mark.deep),
]


@pytest.mark.parametrize("count", REFUSALS)
async def test_a_crowd_of_strangers_does_not_fill_the_log(fake, tmp_path, count):
    """
    What the log grows by does not depend on how often they come, and who pays is answered.
    """
    body = {"model": "p/m", "messages": [{"role": "user", "content": "hello"}]}
    wrong = {"Authorization": "Bearer vk-that-nobody-has"}
    refused = Counter()

    async def stranger(client):
        for number in range(count // 20):
            raw = b"{" if number % 2 else json.dumps(body).encode()
            answer = await client.post(CHAT, raw, wrong)
            refused[answer.status] += 1

    async with both(fake, tmp_path) as client:
        crowd = asyncio.gather(*(stranger(client) for _ in range(20)))
        paying = [await client.post(CHAT, body, KEY) for _ in range(20)]
        await crowd

    spool = tmp_path / "audit" / "spool"
    entries = entries_in(tmp_path)
    written = sum(len(codec.dumps(each)) for each in entries)
    counted = [each for each in entries if each["type"] == "refusals"]
    told = [each for each in entries if each.get("code") and each["type"] != "refusals"]
    assert [answer.status for answer in paying] == [200] * 20
    assert set(refused) == {400, 401}
    assert sum(each["count"] for each in counted) + len(told) == sum(refused.values())
    # A second has two reasons of one source: two entries and one that counts.
    assert len(told) <= 2 * (len(counted) + 1)
    assert written < 200_000 + 2_000 * len(counted)
    assert len(list(spool.iterdir())) < 10


RULES = {
    "mail": {
        "detectors": ["pii"],
        "stages": ["input", "output"],
        "action": "redact",
        "restore": True,
    }
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_what_a_guardrail_took_out_is_in_no_body(fake, tmp_path, stream):
    """
    The caller gets the original back; what is kept has what the provider was sent.
    """
    mail = "jane.roe@mail.example.org"
    place = {"type": "openai-compatible", "base_url": fake.openai_url, "auth": "none"}
    settings = {
        "providers": {"p": place},
        "plugins": {"audit": {"bodies": "redacted"}, "guardrails": {"rules": RULES}},
    }
    plugins = [
        FoundPlugin(name="audit", cls=AuditPlugin),
        FoundPlugin(name="guardrails", cls=GuardrailsPlugin),
    ]
    client = GatewayClient(settings, plugins=plugins, data_dir=tmp_path)
    async with client:
        messages = [{"role": "user", "content": f"write to {mail} please"}]
        body = {"model": "p/m", "messages": messages, "stream": stream}
        answer = await client.post(CHAT, body)
        (plugin,) = (
            each.plugin for each in client.gateway.hooks.plugins if each.name == "audit"
        )
        (outcome,) = entries_in(tmp_path, "outcome")
        told = outcome["body"]
        recorder = plugin.recorder
        kept = unseal(
            recorder.keeping.shelf.get(told["subject"], told["name"]),
            name=told["name"],
            subject_key=recorder.register.subject("nobody").key,
            commitment=told["commitment"],
        )

    (sent,) = fake.requests
    assert answer.status == 200
    assert mail.encode() not in sent.body
    assert b"please" in kept
    assert mail.encode() not in kept
    assert told["withheld"] == ["response: originals were restored in it"]
    assert mail not in str(outcome)
    assert outcome["findings"]
