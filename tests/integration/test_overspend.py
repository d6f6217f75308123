"""
Budgets under fire: many clients, several workers, workers that are killed in the middle.

What the vendor bills is the truth; the gateway's own figures are compared with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sqlite3
from pathlib import Path

import aiohttp
import attrs
import pytest

from gateway.testing import FakeUpstream, Script

#: Nano-USD: a round's budget, a token of the prompt, one of the answer.
LIMIT = 1_000_000_000
INPUT, OUTPUT = 20_000, 100_000
CLIENTS = 64
WORKERS = 4
VALUE = "vk-of-round-{:03d}-0123456789abcdef"


@attrs.frozen
class Round:
    """
    One round of clients, with a key and so a budget of its own.

    Attributes:
        statuses: What clients were told; 0 where the connection broke.
    """

    name: str
    billed: int
    charges: int
    statuses: list[int]


def settings_of(fake: FakeUpstream, data_dir: Path, rounds: int) -> str:
    """
    Write the settings of a gateway whose keys have a dollar each.
    """
    keys = {
        f"round-{number}": {
            "secret": f"env.VK_{number}",
            "budgets": [{"limit_usd": LIMIT / 1e9, "per": "month"}],
        }
        for number in range(rounds)
    }
    place = {"type": "openai-compatible", "base_url": fake.openai_url, "auth": "none"}
    prices = {"input": INPUT / 1000, "output": OUTPUT / 1000}
    return json.dumps(
        {
            "version": 1,
            "server": {"data_dir": str(data_dir)},
            "providers": {"p": place},
            "routing": {"retries": 0},
            "plugins": {
                "governance": {
                    "virtual_keys": keys,
                    "pricing_overrides": {"all": {"model": "*", "prices": prices}},
                    "wait": {"up_to_s": 5},
                }
            },
        }
    )


@attrs.define(eq=False)
class Battle:
    """
    A gateway of several workers, its vendor, and its clients.
    """

    serving: object
    fake: FakeUpstream
    data_dir: Path
    rng: random.Random
    session: aiohttp.ClientSession

    async def fight(self, number: int, *, asks: int, kills: int = 0) -> Round:
        """
        Let all clients ask until the money is spent, or *asks* requests were made.
        """
        before = self.fake.bill.charges_made
        left = iter(range(asks))
        clients = [
            self._client(number, left, self.rng.random()) for _ in range(CLIENTS)
        ]
        killing = asyncio.ensure_future(self._kill(kills))
        statuses = [
            status for told in await asyncio.gather(*clients) for status in told
        ]
        killing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await killing
        await self.fake.wait_for(lambda: not self.fake.in_flight, timeout=30)
        charges = self.fake.bill[before - self.fake.bill.charges_made :]
        billed = sum(
            INPUT * charge.input_tokens + OUTPUT * charge.output_tokens
            for charge in charges
        )
        return Round(f"round-{number}", billed, len(charges), statuses)

    async def _client(self, number, left, seed) -> list[int]:
        rng, statuses, spent = random.Random(seed), [], 0
        for _ in left:
            status = await self._ask(number, rng)
            statuses.append(status)
            spent += status == 402
            if spent >= 2:  # a smaller request may still have fitted
                break
        return statuses

    async def _ask(self, number: int, rng: random.Random, **more) -> int:
        body = {
            "model": f"p/m{rng.randrange(6)}",
            "messages": [{"role": "user", "content": "x" * rng.randrange(4, 200)}],
            "stream": rng.random() < 0.5,
            "max_tokens": rng.randrange(8, 160),
            **more,
        }
        url = self.serving.started["calls"] + "/v1/chat/completions"
        headers = {"Authorization": f"Bearer {VALUE.format(number)}"}
        try:
            async with self.session.post(url, json=body, headers=headers) as answer:
                await answer.read()
                return answer.status
        except aiohttp.ClientError:
            return 0

    async def drain(self, number: int) -> list[int]:
        """
        Spend what is left in small requests, until it is refused as spent.
        """
        rng, statuses = random.Random(number), []
        for _ in range(2000):
            status = await self._ask(number, rng, max_tokens=8, stream=False)
            statuses.append(status)
            if status == 402:
                break
        return statuses

    async def _kill(self, kills: int) -> None:
        """
        Kill workers while requests of theirs are under way; the supervisor replaces them.
        """
        for _ in range(kills):
            await self.fake.wait_for(lambda: self.fake.in_flight > 8, timeout=60)
            status = await asyncio.to_thread(self.serving.admin, "/api/status")
            pids = [worker["pid"] for worker in status.json["workers"]]
            # One that was killed a moment ago is not there yet.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.rng.choice([pid for pid in pids if pid]), signal.SIGKILL)

    def rows(self, question: str, *values) -> list[tuple]:
        """
        Ask the gateway's database.
        """
        with contextlib.closing(
            sqlite3.connect(self.data_dir / "gateway.db", timeout=30)
        ) as database:
            return database.execute(question, values).fetchall()

    def recorded(self, name: str) -> tuple[int, int]:
        """
        Return what was charged to a round's key, and by how many rows.
        """
        ((cost, count),) = self.rows(
            "SELECT COALESCE(SUM(cost_nano), 0), COUNT(*) FROM governance_usage "
            "WHERE key_name = ?",
            name,
        )
        return cost, count

    def burned(self, name: str) -> tuple[int, int]:
        """
        Return what killed workers left behind as spent, and how many holds that was.
        """
        found = [
            json.loads(charges)
            for (charges,) in self.rows("SELECT charges FROM governance_ledger_burned")
        ]
        amounts = [
            amount
            for charges in found
            for meter, _, amount, *_ in charges
            if meter == f"virtual_key/{name}/usd/month"
        ]
        return sum(amounts), len(amounts)


@pytest.fixture(name="battle")
async def _battle(run_serve, tmp_path, rng, request):
    rounds = request.param
    async with FakeUpstream(remember=100_000) as fake:
        for index in range(6):
            text = "word " * rng.randrange(5, 150)
            fake.script(
                f"m{index}", Script(text=text, split=8, latency_ms=rng.randrange(2, 30))
            )
        data_dir = tmp_path / "data"
        environ = {f"VK_{number}": VALUE.format(number) for number in range(rounds)}
        serving = run_serve(
            "--workers",
            str(WORKERS),
            "--admin-listen",
            "127.0.0.1:0",
            settings=settings_of(fake, data_dir, rounds),
            environ=environ,
        )
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with aiohttp.ClientSession(connector=connector) as session:
            yield Battle(serving, fake, data_dir, rng, session)


def _in_order(battle: Battle, rounds: list[Round]) -> None:
    """
    Stop the gateway and compare its books with the bill.
    """
    assert battle.serving.end() == 0
    for each in rounds:
        assert each.billed <= LIMIT
        assert battle.recorded(each.name) == (each.billed, each.charges)


ROUNDS = [
    pytest.param(2, id="2-rounds"),
    pytest.param(100, id="100-rounds", marks=pytest.mark.deep),
]


@pytest.mark.parametrize("battle", ROUNDS, indirect=True)
async def test_nobody_overspends(battle, request):
    """
    64 clients on 4 workers never spend more than the dollar that they share, and all of it.
    """
    count = request.node.callspec.params["battle"]
    rounds = []
    for number in range(count):
        found = await battle.fight(number, asks=4000)
        assert 402 in found.statuses
        assert set(found.statuses) <= {200, 402, 429}
        rounds.append(found)

    _in_order(battle, rounds)
    # What is left is less than the worst case of the smallest request.
    for each in rounds:
        assert LIMIT - each.billed < 160 * OUTPUT + 2000 * INPUT


KILLS = [
    pytest.param(1, id="1-round"),
    pytest.param(25, id="25-rounds", marks=pytest.mark.deep),
]


@pytest.mark.parametrize("battle", KILLS, indirect=True)
async def test_killed_workers_overspend_nothing(battle, request):
    """
    With workers killed in mid-flight the vendor bills no more than the budget, what is charged is
    what was settled and what the dead had sent, and the rest of the money serves.
    """
    count = request.node.callspec.params["battle"]
    rounds = []
    for number in range(count):
        found = await battle.fight(number, asks=4000, kills=4)
        last = await battle.drain(number)
        assert last[-1] == 402
        rounds.append(found)

    await battle.fake.wait_for(lambda: not battle.fake.in_flight, timeout=30)
    assert battle.serving.end() == 0
    for each in rounds:
        cost, settled = battle.recorded(each.name)
        burned, holds = battle.burned(each.name)
        (window,) = battle.rows(
            "SELECT settled, burned FROM governance_ledger_windows WHERE meter = ?",
            f"virtual_key/{each.name}/usd/month",
        )
        assert each.billed <= cost + burned <= LIMIT
        assert window == (cost, burned)
        # Of each request that reached the vendor there is a row, or a hold that burned.
        assert each.charges <= settled + holds
