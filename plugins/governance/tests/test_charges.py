"""
What a plugin charges for an answer that it kept, on the budgets of who gets it.
"""

from __future__ import annotations

import pytest

from gateway import Answer, BudgetExceeded, Phase, Plugin, Target, codec, hookimpl
from gateway.plugins import FoundPlugin
from gateway.testing import GatewayClient, make_response, settings_for
from gateway_governance import GovernancePlugin

VALUE = "a-value-of-somebody-0123456789"
PATH = "/v1/chat/completions"
ASK = {"model": "openai/m", "messages": [{"role": "user", "content": "hello"}]}
HEADERS = {"Authorization": f"Bearer {VALUE}"}


class Keeper(Plugin):
    """
    Answers everything, for what the caller's header says.
    """

    phase = Phase.ANSWER

    @hookimpl
    async def pre_request(self, exchange):
        if exchange.dry_run:
            return None
        target = Target(provider="openai", model="m", dialect="openai_chat")
        charge_nano = int(exchange.headers["x-charge"])
        await exchange.answered_by(target, charge_nano=charge_nano)
        if "x-thinks-better" in exchange.headers:
            raise BudgetExceeded(code="thought_better")
        document = {"object": "chat.completion", "choices": [], "model": "m"}
        return Answer(response=make_response(codec.dumps(document)))


@pytest.fixture
async def charge(fake):
    """
    A function that asks for an answer at a price, and says what it came to, and what is spent.
    """
    budget = {"limit_usd": 0.000001, "per": "month"}
    client = GatewayClient(
        settings_for(
            fake,
            plugins={
                "governance": {
                    "require_key": True,
                    "virtual_keys": {"me": {"secret": "env.VK", "budgets": [budget]}},
                }
            },
        ),
        plugins=[
            FoundPlugin(name="governance", cls=GovernancePlugin),
            FoundPlugin(name="keeper", cls=Keeper),
        ],
        environ={"VK": VALUE},
    )

    async def charged(nano, **headers):
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        told = {**HEADERS, "x-charge": str(nano), **told}
        answer = await client.post(PATH, ASK, told)
        governor = client.gateway.plugin(GovernancePlugin).governor
        (meter,) = governor.watch.snapshot.meters()
        (standing,) = await governor.ledger.standing([meter])
        code = answer.headers.get("x-gw-code")
        return answer.status, code, standing.spent, standing.held

    async with client:
        yield charged


async def test_a_charge_is_debited_once(charge):
    """
    Nothing of it stays held.
    """
    assert await charge(300) == (200, None, 300, 0)


async def test_what_is_left_pays_or_is_not_touched(charge):
    """
    To the last nano-USD, and not beyond it.
    """
    await charge(400)

    assert await charge(601) == (402, "budget_exceeded", 400, 0)
    assert await charge(600) == (200, None, 1000, 0)


async def test_an_answer_that_is_free_needs_no_money(charge):
    """
    Where everything is spent, too.
    """
    await charge(1000)

    assert await charge(0) == (200, None, 1000, 0)


async def test_what_is_not_given_is_not_charged(charge):
    """
    What was held is given back.
    """
    told = await charge(300, x_thinks_better="yes")

    assert told == (402, "thought_better", 0, 0)
