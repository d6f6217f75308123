"""
Budgets under fire: many clients, several workers, workers that are killed in the middle.
"""

from __future__ import annotations

import pytest
from battles import (
    INPUT,
    LIMIT,
    OUTPUT,
    Battle,
    Round,
    battle_of,
    keys_of,
)

from gateway.testing import FakeUpstream, Script


@pytest.fixture(name="battle")
async def _battle(run_serve, tmp_path, rng, request):
    """
    Keys with a dollar each, as many as there are rounds, and answers of several lengths.
    """
    dollar = [{"limit_usd": LIMIT / 1e9, "per": "month"}]
    async with FakeUpstream(remember=100_000) as fake:
        for index in range(6):
            text = "word " * rng.randrange(5, 150)
            script = Script(text=text, split=8, latency_ms=rng.randrange(2, 30))
            fake.script(f"m{index}", script)
        async with battle_of(
            run_serve,
            fake,
            tmp_path,
            rng,
            rounds=request.param,
            virtual_keys=keys_of(request.param, budgets=dollar),
            wait={"up_to_s": 5},
        ) as battle:
            yield battle


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
