"""
Limits that let through what they should: no more, and no less.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from battles import CLIENTS, battle_of, keys_of

from gateway.testing import FakeUpstream, Script

#: A model with a large maximum, at a dollar and ten for a million tokens.
BIG = """\
openai-compatible:
  source: this test
  models:
    big:
      context_window: 400000
      max_output_tokens: 128000
      price: {from: 2026-01-01, input: 1, output: 10}
"""
BUDGET = 10_000_000_000
TRUE_COST = 5_000_000_000


async def test_a_budget_with_money_serves(run_serve, tmp_path, rng):
    """
    64 clients who name no maximum share 10 $, with a model of 128k output, and need 5 $: none is
    refused, and none of their answers is cut.
    """
    prices = tmp_path / "prices.yaml"
    prices.write_text(BIG)
    budget = [{"limit_usd": BUDGET / 1e9, "per": "month"}]
    async with FakeUpstream(remember=100_000) as fake:
        lengths = _lengths(rng)
        for length in lengths:
            fake.enqueue(Script(text="word" * length, latency_ms=rng.randrange(1, 30)))
        async with battle_of(
            run_serve,
            fake,
            tmp_path,
            rng,
            rounds=1,
            virtual_keys=keys_of(1, budgets=budget),
            pricing_overrides={},
            price_files=[str(prices)],
        ) as battle:
            left = iter(lengths)
            body = {"model": "p/big", "messages": [{"role": "user", "content": "hi"}]}

            async def client():
                return [await battle.ask(0, body) for _ in left]

            told = await asyncio.gather(*(client() for _ in range(CLIENTS)))

        statuses = Counter(status for each in told for status in each)
        assert statuses == {200: len(lengths)}
        generated = sorted(charge.output_tokens for charge in fake.bill)
        assert generated == sorted(lengths)


def _lengths(rng):
    """
    Draw answers of up to 4,000 tokens, most of them far shorter, that cost 5 $ together.
    """
    lengths, cost = [], 0
    while cost < TRUE_COST:
        length = min(4000, int(rng.lognormvariate(5.3, 1.2)) + 1)
        lengths.append(length)
        cost += 10_000 * length
    return lengths


@pytest.mark.parametrize("workers", [1, 4], ids=["one-worker", "four-workers"])
async def test_a_limit_of_requests_is_exact(run_serve, tmp_path, rng, workers):
    """
    Of 500 requests at once a limit of 100 lets exactly 100 through; the team counts no other.
    """
    teams = {"t": {"rate_limits": [{"requests": 10_000, "per": "year"}]}}
    limit = [{"requests": 100, "per": "hour"}]
    async with (
        FakeUpstream(remember=1000) as fake,
        battle_of(
            run_serve,
            fake,
            tmp_path,
            rng,
            rounds=2,
            workers=workers,
            teams=teams,
            virtual_keys={
                **keys_of(2, team="t"),
                **keys_of(1, team="t", rate_limits=limit),
            },
        ) as battle,
    ):
        body = {"model": "p/m", "messages": [{"role": "user", "content": "hi"}]}

        statuses = Counter(
            await asyncio.gather(*(battle.ask(0, body) for _ in range(500)))
        )

        assert statuses == {200: 100, 429: 400}
        assert fake.bill.charges_made == 100
        # Another key of the team sees what the team has left, its own request taken.
        _, headers = await battle.answer(1, body)
        assert headers["x-ratelimit-remaining-requests"] == str(10_000 - 101)
