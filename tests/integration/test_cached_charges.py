"""
What an answer from the cache costs whoever gets it, by the books of governance.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3

import aiohttp
import pytest
from stream_gates import Gate

from gateway import codec
from gateway.plugins import FoundPlugin
from gateway.testing import GatewayClient, Script, Usage, settings_for
from gateway_audit import AuditPlugin
from gateway_audit.spool.frames import frames
from gateway_audit.spool.names import segments
from gateway_caching import CachingPlugin
from gateway_governance import GovernancePlugin
from gateway_guardrails import GuardrailsPlugin

PATH = "/v1/chat/completions"
ASK = {
    "model": "openai/m",
    "temperature": 0,
    "max_tokens": 200,
    "messages": [{"role": "user", "content": "hello"}],
}
#: USD per million tokens: a token of the prompt is 1,000 nano-USD, one of the answer 10,000.
PRICES = {"all": {"model": "*", "prices": {"input": 1, "output": 10}}}
#: What the vendor bills here, 11 * 1,000 + 100 * 10,000, and of that the share below.
SHARE = 0.333333
USAGE, COST, THIRD = (
    Usage(input=11, output=100),
    1_011_000,
    337_000,
)  # of 336,999.7 rounded up
VALUES = {name: f"vk-of-{name}-0123456789abcdef" for name in ("anna", "bob")}
USD = 1_000_000_000


class Till:
    """
    Asks a gateway that governs and caches, and reads its books.
    """

    def __init__(self, client):
        self.client = client
        self.gateway = client.gateway

    async def ask(self, name="anna", document=None, **headers):
        told = {word.replace("_", "-"): value for word, value in headers.items()}
        told["Authorization"] = f"Bearer {VALUES[name]}"
        answer = await self.client.post(PATH, document or ASK, told)
        answer.cache = answer.headers.get("x-gw-cache")
        answer.cost_nano = (
            round(float(told) * USD)
            if (told := answer.headers.get("x-gw-cost-usd"))
            else None
        )
        return answer

    async def get(self, path):
        answer = await self.client.ask("GET", path)
        assert answer.status == 200, answer.body
        return answer.json

    async def settled(self):
        async with asyncio.timeout(20):
            while self.gateway.in_flight:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.005)
        ledger = self.gateway.plugin(GovernancePlugin).governor.ledger
        await ledger.flush()
        return ledger

    async def rows(self):
        await self.settled()
        told = await self.get("/api/governance/usage/rows")
        return sorted(told["rows"], key=lambda row: row["at"])

    async def spent_nano(self):
        """
        What is spent of each budget, by the id of its meter; nothing may be held any more.
        """
        ledger = await self.settled()
        governor = self.gateway.plugin(GovernancePlugin).governor
        standings = await ledger.standing(list(governor.watch.snapshot.meters()))
        assert not any(each.held for each in standings)
        return {each.meter.id: each.spent for each in standings if each.spent}


@pytest.fixture
async def start(fake):
    """
    A function that starts a gateway of governance and caching; keywords are the key's limits.
    """
    clients = []
    fake.script("m", Script(text="word " * 100, split=8, usage=USAGE))

    async def started(
        *plugins, charge=SHARE, caching=None, governance=None, tables=None, **limits
    ):
        keys = {
            name: {"secret": f"env.VK_{name}", "team": "payments", **limits}
            for name in VALUES
        }
        governed = {
            "require_key": True,
            "pricing_overrides": PRICES,
            "teams": {"payments": {}},
            "virtual_keys": keys,
            **(governance or {}),
        }
        cached = {"store": "memory", "default": {"charge": charge}, **(caching or {})}
        client = GatewayClient(
            settings_for(
                fake,
                routing={"retries": 0},
                plugins={
                    "governance": governed,
                    "caching": cached,
                    **(tables or {}),
                },
            ),
            plugins=[
                FoundPlugin(name="governance", cls=GovernancePlugin),
                FoundPlugin(name="caching", cls=CachingPlugin),
                *plugins,
            ],
            environ={f"VK_{name}": value for name, value in VALUES.items()},
        )
        clients.append(client)
        return Till(await client.__aenter__())

    yield started
    for client in clients:
        await client.__aexit__(None, None, None)


ANNA = "virtual_key/anna/usd/month"


def usd(nano):
    """
    A budget of *nano* nano-USD.
    """
    return [{"limit_usd": nano / USD, "per": "month"}]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_hit_costs_its_share_of_the_call(start, stream):
    """
    Once: on the budget, in the usage rows, in the header, and less is told to be saved.
    """
    till = await start(budgets=usd(USD))
    ask = {**ASK, "stream": stream}

    first, second = await till.ask(document=ask), await till.ask(document=ask)

    assert (first.cache, second.cache) == ("miss", "hit")
    assert first.cost_nano == (None if stream else COST)
    assert second.cost_nano == THIRD
    call, hit = await till.rows()
    assert (call["outcome"], call["cost_nano"]) == ("done", COST)
    assert (hit["outcome"], hit["cost_nano"], hit["hold_nano"]) == (
        *("cached", THIRD),
        THIRD,
    )
    assert (hit["input_tokens"], hit["output_tokens"], hit["status"]) == (0, 0, 0)
    assert (await till.spent_nano())[ANNA] == COST + THIRD
    (day,) = (await till.get("/api/cache/stats"))["days"]
    assert day["saved_usd"] == (COST - THIRD) / USD


async def test_a_hit_costs_nothing_unless_the_operator_says_so(start):
    """
    Not even a caller who has nothing left: no row is written, nothing is spent.
    """
    till = await start(charge=0.0, budgets=usd(USD))
    await till.ask()

    hit = await till.ask()

    assert (hit.status, hit.cache, hit.cost_nano) == (200, "hit", None)
    assert len(await till.rows()) == 1
    assert (await till.spent_nano())[ANNA] == COST
    (day,) = (await till.get("/api/cache/stats"))["days"]
    assert day["saved_usd"] == COST / USD


async def test_who_cannot_pay_for_a_hit_is_told_what_a_miss_is_told(start, fake):
    """
    402, with nobody asked; the one hit that the budget pays for is given.
    """
    # The worst case of the call must fit: all of it is free again but for its cost.
    worst = 2_400_000
    till = await start(charge=1.0, budgets=usd(worst))
    told = [await till.ask(), await till.ask(), await till.ask()]
    other = {**ASK, "messages": [{"role": "user", "content": "another"}]}

    miss = await till.ask(document=other)

    assert [answer.status for answer in told] == [200, 200, 402]
    refused = told[-1]
    assert refused.cache == "miss"
    assert refused.json["error"]["code"] == miss.json["error"]["code"]
    assert refused.headers["x-gw-code"] == "budget_exceeded"
    assert len(list(fake.requests)) == 1
    assert (await till.spent_nano())[ANNA] == 2 * COST


async def test_everybody_who_pays_for_a_call_pays_for_a_hit(start):
    """
    Key, team and the run; not what is everybody's at a model, for nobody was asked.
    """
    till = await start(
        budgets=usd(USD),
        caching={"partition": "team"},
        governance={
            "teams": {"payments": {"budgets": usd(USD)}},
            "model_limits": {"all-of-m": {"model": "m", "budgets": usd(USD)}},
        },
    )
    await till.ask("bob")

    hit = await till.ask("anna")

    assert hit.cache == "hit"
    spent = await till.spent_nano()
    team, model = (
        "team/payments/usd/month",
        next(key for key in spent if "model" in key),
    )
    assert (spent[ANNA], spent[team], spent[model]) == (THIRD, COST + THIRD, COST)


async def test_a_hit_counts_as_a_request_and_takes_no_tokens(start):
    """
    The rates of a key are those of what it asks, whoever answers; tokens are the provider's.
    """
    till = await start(
        rate_limits=[
            {"requests": 3, "per": "hour"},
            {"tokens": 5000, "per": "hour"},
        ]
    )

    answers = [await till.ask() for _ in range(4)]

    assert [answer.cache for answer in answers[:3]] == ["miss", "hit", "hit"]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[3].headers["x-gw-code"] == "request_limited"
    spent = await till.spent_nano()
    assert spent["virtual_key/anna/tokens/hour"] == 111
    assert spent["virtual_key/anna/requests/hour"] == 3


async def leave(till, name, document, **headers):
    """
    Ask, and leave with the first line of the answer.
    """
    told = {"Authorization": f"Bearer {VALUES[name]}", **headers}
    async with (
        aiohttp.ClientSession() as session,
        session.post(till.client.url + PATH, json=document, headers=told) as answer,
    ):
        await answer.content.readline()
        answer.close()
    return answer


async def test_who_leaves_a_hit_has_paid_for_it(start, fake):
    """
    Once; nothing stays held.
    """
    till = await start(FoundPlugin(name="gate", cls=Gate), budgets=usd(USD))
    ask = {**ASK, "stream": True}
    await till.ask(document=ask)
    till.gateway.plugin(Gate).is_open.clear()

    await leave(till, "anna", ask)

    call, hit = await till.rows()
    assert (call["outcome"], hit["outcome"]) == ("done", "left")
    assert (await till.spent_nano())[ANNA] == COST + THIRD
    assert len(list(fake.requests)) == 1


async def test_an_answer_that_is_not_given_after_all_costs_nothing(start, fake):
    """
    Other words went to who answered: the call is paid, the hit that was none is not.
    """
    rule = {
        "detectors": ["pii"],
        "action": "redact",
        "restore": True,
        "applies_to": {"providers": ["openai"]},
    }
    till = await start(
        FoundPlugin(name="guardrails", cls=GuardrailsPlugin),
        budgets=usd(USD),
        tables={"guardrails": {"rules": {"pii": rule}}},
    )
    asks = [
        {**ASK, "messages": [{"role": "user", "content": f"mail {name}@x.org"}]}
        for name in ("anna", "bob")
    ]
    await till.ask(document=asks[1], x_gw_conversation="two")
    await till.ask(document=asks[0], x_gw_conversation="one")

    await till.ask(document=asks[0], x_gw_conversation="two")

    rows = await till.rows()
    assert [row["outcome"] for row in rows] == ["done"] * len(list(fake.requests))
    assert len(rows) == 3
    assert (await till.spent_nano())[ANNA] == 3 * COST


def audited(till):
    """
    What stands in the audit's spool.
    """
    return [
        codec.loads(frame.entry)
        for segment in segments(till.gateway.data_dir / "audit" / "spool")
        for frame in frames(segment.path.read_bytes())
    ]


async def test_the_audit_tells_what_the_ledger_charged(start):
    """
    Of the call, and of the hit: intent, outcome and usage row say the same amounts.
    """
    till = await start(FoundPlugin(name="audit", cls=AuditPlugin), budgets=usd(USD))
    await till.ask()
    await till.ask()

    rows = {row["exchange_id"]: row["cost_nano"] for row in await till.rows()}

    entries = audited(till)
    outcomes = [entry for entry in entries if entry["type"] == "outcome"]
    assert {each["request"]: each["cost_nano"] for each in outcomes} == rows
    assert [each["attempts"][0]["cost_nano"] for each in outcomes] == [COST, THIRD]
    intents = [entry for entry in entries if entry["type"] == "intent"]
    assert [(each["joined"], each["hold_nano"] > 0) for each in intents] == [
        (False, True),
        (True, True),
    ]


async def test_a_repeat_costs_nothing(start):
    """
    It is the same request once more, which was paid.
    """
    till = await start(budgets=usd(USD))
    await till.ask(Idempotency_Key="once")

    again = await till.ask(Idempotency_Key="once")

    assert again.headers["idempotent-replayed"] == "true"
    assert again.cost_nano is None
    assert (await till.spent_nano())[ANNA] == COST


async def test_hits_at_once_are_never_more_than_the_budget(start, fake):
    """
    Of forty, as many are given as it pays for.
    """
    till = await start(charge=1.0, budgets=usd(10 * COST + 3_000_000))
    await till.ask()

    answers = await asyncio.gather(*(till.ask() for _ in range(40)))

    statuses = [answer.status for answer in answers]
    spent = (await till.spent_nano())[ANNA]
    assert {200, 402} <= set(statuses) <= {200, 402, 429}
    assert spent == (1 + statuses.count(200)) * COST
    assert spent <= 10 * COST + 3_000_000 < spent + COST
    assert len(list(fake.requests)) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_who_follows_a_call_pays_what_a_hit_costs(start, fake, stream):
    """
    Who asked first pays for the call; nobody's money is touched twice.
    """
    fake.script("m", Script(text="word " * 100, split=8, latency_ms=300, usage=USAGE))
    till = await start(budgets=usd(USD), caching={"partition": "team"})
    ask = {**ASK, "stream": stream}

    told = await asyncio.gather(
        till.ask("anna", ask), *(till.ask("bob", ask) for _ in range(4))
    )

    assert sorted(answer.cache for answer in told) == ["joined"] * 4 + ["miss"]
    rows = await till.rows()
    assert sorted((row["outcome"], row["cost_nano"]) for row in rows) == [
        *[("cached", THIRD)] * 4,
        ("done", COST),
    ]
    assert sum((await till.spent_nano()).values()) == COST + 4 * THIRD
    assert len(list(fake.requests)) == 1


async def test_who_cannot_pay_to_follow_is_told_what_a_miss_is_told(start, fake):
    """
    402, while the others have their answer.
    """
    fake.script("m", Script(text="word " * 100, split=8, latency_ms=300, usage=USAGE))
    till = await start(
        charge=1.0,
        caching={"partition": "team"},
        budgets=usd(USD),
        governance={
            "virtual_keys": {
                "anna": {"secret": "env.VK_anna", "team": "payments"},
                "bob": {
                    "secret": "env.VK_bob",
                    "team": "payments",
                    "budgets": usd(COST // 2),
                },
            }
        },
    )
    ask = {**ASK, "stream": True}
    first = asyncio.ensure_future(till.ask("anna", ask))
    await fake.wait_for(lambda: fake.requests, timeout=5)

    refused = await till.ask("bob", ask)

    assert (await first).status == 200
    assert (refused.status, refused.headers["x-gw-code"]) == (402, "budget_exceeded")
    assert await till.spent_nano() == {}
    assert len(list(fake.requests)) == 1


async def test_who_leaves_a_call_that_goes_on_is_not_charged(start, fake):
    """
    Nobody knows yet what it costs; what was held is given back, and who stays pays.
    """
    script = Script(text="word " * 100, split=8, event_latency_ms=100, usage=USAGE)
    fake.script("m", script)
    till = await start(budgets=usd(USD), caching={"partition": "team"})
    ask = {**ASK, "stream": True}
    first = asyncio.ensure_future(till.ask("anna", ask))
    await fake.wait_for(lambda: fake.requests, timeout=5)
    answer = await leave(till, "bob", ask)

    assert answer.headers["x-gw-cache"] == "joined"
    assert (await first).status == 200
    assert [row["key_name"] for row in await till.rows()] == ["anna"]
    assert await till.spent_nano() == {ANNA: COST}


SLOW = Script(text="word " * 100, split=8, event_latency_ms=100, usage=USAGE)


async def test_who_follows_a_call_that_is_free_to_it_pays_nothing(start, fake):
    """
    Nothing of its budget was held, so nothing is taken, whatever others pay for the call.
    """
    fake.script("m", SLOW)
    free = {"model": "*", "virtual_key": "bob", "prices": {"input": 0, "output": 0}}
    till = await start(
        charge=1.0,
        budgets=usd(100),
        caching={"partition": "team"},
        governance={
            "pricing_overrides": {**PRICES, "free": free},
            "virtual_keys": {
                "anna": {"secret": "env.VK_anna", "team": "payments"},
                "bob": {
                    "secret": "env.VK_bob",
                    "team": "payments",
                    "budgets": usd(100),
                },
            },
        },
    )
    ask = {**ASK, "stream": True}
    first = asyncio.ensure_future(till.ask("anna", ask))
    await fake.wait_for(lambda: fake.requests, timeout=5)

    follower = await till.ask("bob", ask)

    assert (await first).status == follower.status == 200
    assert follower.cache == "joined"
    assert await till.spent_nano() == {}


async def test_who_leaves_has_no_answer_for_its_repeats(start, fake):
    """
    A repeat is free because the first was paid, and who left a call under way paid nothing.
    """
    fake.script("m", SLOW)
    till = await start(budgets=usd(USD), caching={"partition": "team"})
    ask = {**ASK, "stream": True}
    first = asyncio.ensure_future(till.ask("anna", ask))
    await fake.wait_for(lambda: fake.requests, timeout=5)
    left = await leave(till, "bob", ask, **{"Idempotency-Key": "once"})
    await first
    await till.settled()

    again = await till.ask("bob", ask, Idempotency_Key="once")

    assert left.headers["x-gw-cache"] == "joined"
    assert (again.cache, again.cost_nano) == ("hit", THIRD)
    assert "idempotent-replayed" not in again.headers


async def test_the_outcome_of_who_left_its_call_to_others_tells_what_it_cost(
    start, fake
):
    """
    The ledger charges whoever began it, and the audit says so.
    """
    fake.script("m", SLOW)
    till = await start(
        FoundPlugin(name="audit", cls=AuditPlugin),
        budgets=usd(USD),
        caching={"partition": "team"},
    )
    ask = {**ASK, "stream": True}
    first = asyncio.ensure_future(leave(till, "anna", ask))
    await fake.wait_for(lambda: fake.requests, timeout=5)

    follower = await till.ask("bob", ask)

    await first
    rows = {row["exchange_id"]: row["cost_nano"] for row in await till.rows()}
    outcomes = [entry for entry in audited(till) if entry["type"] == "outcome"]
    assert follower.cache == "joined"
    assert sorted(rows.values()) == [THIRD, COST]
    assert {each["request"]: each["cost_nano"] for each in outcomes} == rows


@pytest.mark.parametrize("audit", [False, True], ids=["alone", "audited"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_call_whose_usage_nobody_told_is_shared_at_what_was_charged(
    start, fake, stream, audit
):
    """
    By who follows it, and by who asks again, as the caller who began it was charged for it.
    """
    fake.script("m", Script(text="word " * 100, split=8, no_usage=True, latency_ms=300))
    beside = [FoundPlugin(name="audit", cls=AuditPlugin)] if audit else []
    till = await start(
        *beside, charge=1.0, budgets=usd(USD), caching={"partition": "team"}
    )
    ask = {**ASK, "stream": stream}

    await asyncio.gather(till.ask("anna", ask), till.ask("bob", ask))
    await till.ask("anna", ask)

    rows = await till.rows()
    assert sorted(row["outcome"] for row in rows) == ["cached", "cached", "done"]
    (cost_nano,) = {row["cost_nano"] for row in rows}
    assert cost_nano > COST


@pytest.fixture
async def crew(run_serve, fake, tmp_path):
    """
    Two workers that keep answers for each other, and a key of which the money is *limit*.
    """
    limit = 20 * COST + 3_000_000
    fake.script("m", Script(text="word " * 100, usage=USAGE))
    tables = {
        "governance": {
            "require_key": True,
            "pricing_overrides": PRICES,
            "virtual_keys": {"anna": {"secret": "env.VK", "budgets": usd(limit)}},
        },
        "caching": {"default": {"charge": 1.0}},
    }
    settings = settings_for(
        fake,
        version=1,
        server={"data_dir": str(tmp_path / "data")},
        routing={"retries": 0},
        hooks={"only": ["governance", "caching"]},
        plugins=tables,
    )
    serving = run_serve(
        *("--workers", "2", "--admin-listen", "127.0.0.1:0"),
        settings=json.dumps(settings),
        environ={"VK": VALUES["anna"]},
    )
    return serving, tmp_path / "data" / "gateway.db", limit


async def test_hits_of_two_workers_are_never_more_than_the_budget(crew, fake):
    """
    The books have a row for each, and say what was spent to the nano-USD.
    """
    serving, database, limit = crew
    url = serving.started["calls"] + PATH
    headers = {"Authorization": f"Bearer {VALUES['anna']}"}
    # A connection for each request, so that both workers get some.
    connector = aiohttp.TCPConnector(limit=16, force_close=True)

    async with aiohttp.ClientSession(connector=connector) as session:

        async def ask(**more):
            document = {**ASK, **more}
            async with session.post(url, json=document, headers=headers) as answer:
                await answer.read()
                return answer.status, answer.headers.get("x-gw-cache")

        first = await ask()
        told = await asyncio.gather(*(ask(stream=n % 2 == 0) for n in range(80)))

    assert serving.end() == 0
    given = [status for status, _ in told].count(200)
    with contextlib.closing(sqlite3.connect(database)) as books:
        rows = books.execute(
            "SELECT outcome, cost_nano FROM governance_usage"
        ).fetchall()
    assert first == (200, "miss")
    # While others hold the last of it, 429.
    assert {(200, "hit"), (402, "miss")} <= set(told)
    assert set(told) <= {(200, "hit"), (402, "miss"), (429, "miss")}
    assert sorted(rows) == [("cached", COST)] * given + [("done", COST)]
    assert (1 + given) * COST <= limit < (2 + given) * COST
    assert len(list(fake.requests)) == 1
