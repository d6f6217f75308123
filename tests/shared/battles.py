"""
Many clients against a gateway of several workers, whose vendor's bill is the truth.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any

import aiohttp
import attrs

from gateway.testing import FakeUpstream

#: Nano-USD: a round's budget, a token of the prompt, one of the answer.
LIMIT = 1_000_000_000
INPUT, OUTPUT = 20_000, 100_000
CLIENTS = 64
WORKERS = 4
VALUE = "vk-of-round-{:03d}-0123456789abcdef"
PRICES = {
    "all": {"model": "*", "prices": {"input": INPUT / 1000, "output": OUTPUT / 1000}}
}


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


def settings_of(fake: FakeUpstream, data_dir: Path, **governance: Any) -> str:
    """
    Write the settings of a gateway with *governance* in front of *fake*.
    """
    place = {"type": "openai-compatible", "base_url": fake.openai_url, "auth": "none"}
    return json.dumps(
        {
            "version": 1,
            "server": {"data_dir": str(data_dir)},
            "providers": {"p": place},
            "routing": {"retries": 0},
            "hooks": {"only": ["governance"]},
            "plugins": {"governance": {"pricing_overrides": PRICES, **governance}},
        }
    )


def keys_of(rounds: int, **limits: Any) -> dict[str, Any]:
    """
    Declare a key for each round.
    """
    return {
        f"round-{number}": {"secret": f"env.VK_{number}", **limits}
        for number in range(rounds)
    }


@attrs.define(eq=False)
class Battle:
    """
    A gateway of several workers, its vendor, and its clients.
    """

    serving: Any
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

    async def _client(self, number: int, left: Iterator[int], seed: float) -> list[int]:
        rng, statuses, spent = random.Random(seed), [], 0
        for _ in left:
            status = await self._ask(number, rng)
            statuses.append(status)
            spent += status == 402
            if spent >= 2:  # a smaller request may still have fitted
                break
        return statuses

    async def _ask(self, number: int, rng: random.Random, **more: Any) -> int:
        return await self.ask(
            number,
            {
                "model": f"p/m{rng.randrange(6)}",
                "messages": [{"role": "user", "content": "x" * rng.randrange(4, 200)}],
                "stream": rng.random() < 0.5,
                "max_tokens": rng.randrange(8, 160),
                **more,
            },
        )

    async def ask(self, number: int, body: Mapping[str, Any]) -> int:
        """
        Ask in the name of a round, on a connection of its own; 0 is a connection that broke.
        """
        try:
            return (await self.answer(number, body))[0]
        except aiohttp.ClientError:
            # Who is killed often is started again after a while only.
            await asyncio.to_thread(self.serving.until, self._is_served)
            return 0

    def _is_served(self) -> bool:
        try:
            return bool(self.serving.call("/readyz").status == 200)
        except (OSError, HTTPException):
            return False

    async def answer(
        self, number: int, body: Mapping[str, Any]
    ) -> tuple[int, Mapping[str, str]]:
        """
        Ask, read the whole answer, and return its status and headers.
        """
        url = self.serving.started["calls"] + "/v1/chat/completions"
        headers = {"Authorization": f"Bearer {VALUE.format(number)}"}
        async with self.session.post(url, json=body, headers=headers) as answer:
            await answer.read()
            return answer.status, answer.headers

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
            # One that was killed a moment ago is not there yet.
            pids = [worker["pid"] for worker in status.json["workers"] if worker["pid"]]
            with contextlib.suppress(ProcessLookupError):
                for pid in self.rng.sample(pids, min(1, len(pids))):
                    os.kill(pid, signal.SIGKILL)

    def rows(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
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


@contextlib.asynccontextmanager
async def battle_of(
    run_serve: Any,
    fake: FakeUpstream,
    folder: Path,
    rng: random.Random,
    *,
    rounds: int,
    workers: int = WORKERS,
    **governance: Any,
) -> AsyncIterator[Battle]:
    """
    Start a gateway of several *workers* in front of *fake*.
    """
    data_dir = folder / "data"
    serving = run_serve(
        "--workers",
        str(workers),
        "--admin-listen",
        "127.0.0.1:0",
        settings=settings_of(fake, data_dir, **governance),
        environ={f"VK_{number}": VALUE.format(number) for number in range(rounds)},
    )
    # A connection for each request, so that the kernel deals them out to the workers.
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Battle(serving, fake, data_dir, rng, session)
