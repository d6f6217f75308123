"""
Callers that leave: what the provider bills is on record, whenever they go, and nothing stays held.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

import aiohttp
import attrs
import pytest

from gateway.plugins import FoundPlugin
from gateway.testing import FakeUpstream, GatewayClient, Script
from gateway_governance import GovernancePlugin

PLUGIN = FoundPlugin(name="governance", cls=GovernancePlugin)
VALUE = "vk-of-nobody-else-0123456789"
HEADERS = {"Authorization": f"Bearer {VALUE}", "Content-Type": "application/json"}
HELLO = [{"role": "user", "content": "hello"}]
METER = "virtual_key/me/usd/day"
EVENTS = 200
PIECES = tuple(f"word{number:03d} " for number in range(EVENTS))
#: The cap of each request: more than is said.
CAP = 1_200
#: A few events in, in the middle, and at the end; all of them in the long proof.
SOME = (0, 1, 2, 3, 100, 198, 199)
#: Callers at the same time; each sees some five hundred events a second.
AT_ONCE = 20
IN_TIME_S = 1.0

POLICIES = {
    "cancel": "cancel",
    "drain": "drain",
    "drain_up_to": {"drain_up_to": {"output_tokens": 40, "time_s": 5}},
}
#: Path, provider.
ROUTES = {
    "chat": ("/v1/chat/completions", "o"),
    "messages": ("/v1/messages", "a"),
    "messages-to-chat": ("/v1/messages", "o"),
}


@attrs.frozen
class Recorded:
    """
    What the gateway wrote down of one request.
    """

    cost_nano: int
    seen_nano: int
    output_tokens: int
    outcome: str


def settings_for(fake, policy):
    chat = {"type": "openai-compatible", "base_url": fake.openai_url, "auth": "none"}
    other = {"type": "anthropic-compatible", "base_url": fake.url, "auth": "none"}
    return {
        "providers": {"o": chat, "a": other},
        "routing": {"retries": 0},
        "plugins": {
            "governance": {
                "require_key": True,
                "on_disconnect": POLICIES[policy],
                "virtual_keys": {
                    "me": {
                        "secret": "env.VK",
                        "budgets": [{"limit_usd": 1000, "per": "day"}],
                    }
                },
                "pricing_overrides": {
                    "all": {"model": "*", "prices": {"input": 1, "output": 10}}
                },
            }
        },
    }


@asynccontextmanager
async def governed(policy, **script):
    script = {"pieces": PIECES, "event_latency_ms": 2.0, **script}
    async with FakeUpstream(default=Script(**script)) as fake:
        client = GatewayClient(
            settings_for(fake, policy), plugins=[PLUGIN], environ={"VK": VALUE}
        )
        async with client:
            yield fake, client


async def leave_after(client, route, model, events, *, stream=True):
    """
    Read so many events of an answer, then hang up.
    """
    path, provider = ROUTES[route]
    asked = {
        "model": f"{provider}/{model}",
        "messages": HELLO,
        "max_tokens": CAP,
        "stream": stream,
    }
    seen = 0
    async with aiohttp.ClientSession() as session:
        answer = await session.post(client.url + path, json=asked, headers=HEADERS)
        assert answer.status == 200
        while seen < events:
            line = await answer.content.readline()
            if not line:
                break
            seen += line == b"\n"
        answer.close()
    return seen


def governor_of(client):
    return client.gateway.hooks.plugins[0].plugin.governor


async def standing_of(client):
    governor = governor_of(client)
    (meter,) = [each for each in governor.watch.snapshot.meters() if each.id == METER]
    (standing,) = await governor.ledger.standing((meter,))
    return standing


async def nothing_held(client, within_s):
    """
    Wait until nothing is held; returns the standing, which says otherwise if that took too long.
    """
    deadline = time.monotonic() + within_s
    for _ in range(10_000):
        standing = await standing_of(client)
        if not standing.held or time.monotonic() > deadline:
            break
        await asyncio.sleep(0.01)
    return standing


async def recorded_of(client):
    """
    Return what was written down, by model.
    """
    governor = governor_of(client)
    await governor.ledger.flush()
    asked = (
        "SELECT model, cost_nano, cost_seen_nano, output_tokens, outcome "
        "FROM governance_usage"
    )
    async with governor.store.storage.engine.connect() as connection:
        rows = list(await connection.exec_driver_sql(asked))
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: Recorded(*row[1:]) for row in rows}


async def bills_of(fake, models):
    """
    Return what the vendor bills for each of *models*, once it is done with all of them.
    """

    def is_done():
        left_or_done = {
            charge.model
            for charge in fake.bill
            if charge.finished or charge.client_left
        }
        return left_or_done >= set(models)

    await fake.wait_for(is_done, timeout=10)
    return {
        model: 1_000 * tokens_in + 10_000 * tokens_out
        for model, (tokens_in, tokens_out) in fake.bill.by_model().items()
    }


async def check_departures(policy, route, points, **script):
    """
    Let a caller leave at each of *points*; the record covers the bill, and nothing stays held.
    """
    models = {f"m{point}": point for point in points}
    async with governed(policy, **script) as (fake, client):
        names = list(models)
        for first in range(0, len(names), AT_ONCE):
            some = names[first : first + AT_ONCE]
            await asyncio.gather(
                *(leave_after(client, route, model, models[model]) for model in some)
            )
        if policy != "cancel":
            # Whoever is listened to is held for until the last word, and no longer.
            await bills_of(fake, names)
        standing = await nothing_held(client, IN_TIME_S)
        billed = await bills_of(fake, names)
        recorded = await recorded_of(client)

    assert standing.held == 0
    assert recorded.keys() == models.keys()
    assert standing.spent == sum(row.cost_nano for row in recorded.values())
    short = {
        model: (billed[model], row)
        for model, row in recorded.items()
        if not 0 < billed[model] <= row.cost_nano
    }
    assert short == {}
    assert all(row.output_tokens > 0 for row in recorded.values())
    assert all(0 < row.seen_nano <= row.cost_nano for row in recorded.values())
    return billed, recorded


BILLS_ON = pytest.mark.parametrize("bills_on", [False, True], ids=["stops", "bills-on"])
PER_POLICY = pytest.mark.parametrize("policy", POLICIES)
PER_ROUTE = pytest.mark.parametrize("route", ROUTES)


@BILLS_ON
@PER_ROUTE
@PER_POLICY
async def test_a_caller_may_leave_at_any_time(policy, route, bills_on):
    """
    What the vendor bills is recorded, never nothing, and nothing is held a second later; also of a
    vendor that does not notice, and generates and bills to the end.
    """
    await check_departures(policy, route, SOME, bills_on=bills_on)


@pytest.mark.deep
@BILLS_ON
@PER_ROUTE
@PER_POLICY
async def test_a_caller_may_leave_at_every_event(policy, route, bills_on):
    """
    The same for each event of the stream.
    """
    await check_departures(policy, route, range(EVENTS), bills_on=bills_on)


@PER_ROUTE
async def test_a_drained_answer_is_charged_to_the_token(route):
    """
    Who listens to the end knows what it cost: bill and record are the same.
    """
    billed, recorded = await check_departures("drain", route, SOME)

    assert {model: row.cost_nano for model, row in recorded.items()} == billed


@PER_ROUTE
async def test_a_cancelled_answer_is_not_charged_in_full(route):
    """
    Who leaves early is charged an upper bound of what was generated, and less than the hold.
    """
    _, recorded = await check_departures("cancel", route, (1, 2))

    assert all(row.outcome == "left" for row in recorded.values())
    assert all(row.output_tokens < CAP for row in recorded.values())


@BILLS_ON
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@PER_POLICY
async def test_a_caller_may_leave_before_the_answer_begins(policy, stream, bills_on):
    """
    While the vendor thinks and nothing has come yet, the prompt is due at least.
    """
    async with governed(policy, latency_ms=200, bills_on=bills_on) as (fake, client):
        asking = asyncio.ensure_future(
            leave_after(client, "chat", "m", 1, stream=stream)
        )
        await fake.wait_for(lambda: fake.requests, timeout=5)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        if policy != "cancel":
            await bills_of(fake, ["m"])
        standing = await nothing_held(client, IN_TIME_S)
        billed = await bills_of(fake, ["m"])
        recorded = await recorded_of(client)

    assert standing.held == 0
    assert 0 < billed["m"] <= recorded["m"].cost_nano == standing.spent
