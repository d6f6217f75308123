from __future__ import annotations

from gateway_governance.ledger.authority import Burned, Charge


async def burn(gov):
    """
    Let a worker have died over a request of the team.
    """
    meter = "team/payments/usd/month"
    charge = Charge(meter=meter, starts=0, amount=1_000_000)
    burned = Burned(hold_id=0xABC, at=1_700_000_000_000_000, charges=(charge,))
    await gov.governor.ledger._authority.settle([burned])


async def test_a_ledger_that_agrees_is_code_0(gov, cli):
    """
    And says so.
    """
    await gov.spend((await gov.key())["value"])

    assert await cli.run("ledger", "check") == "the ledger agrees with itself\n"


async def test_burned_holds_are_listed_and_resolved(gov, cli):
    """
    By what the provider billed, to the nano.
    """
    await burn(gov)

    listed = await cli.run("ledger", "resolve")
    without = await cli.run("ledger", "resolve", "abc", code=2)
    told = await cli.run("ledger", "resolve", "abc", "--cost", "0.000400001")
    again = await cli.run("ledger", "resolve", "abc", "--cost", "0", code=1)

    assert "abc" in listed
    assert "0.001" in listed
    assert "--cost" in without
    assert told == "abc: 0.001 USD were held, 0.000400001 are spent\n"
    assert "No burned hold" in again
