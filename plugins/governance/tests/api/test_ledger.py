from __future__ import annotations

import pytest

from gateway_governance.ledger.authority import Burned, Charge
from gateway_governance.ledger.meters import MICROS


async def burn(gov, nano=1_000_000):
    """
    Let a worker have died over a request of the declared team.
    """
    (standing,) = await gov.governor.ledger.standing(
        gov.governor.watch.snapshot.owner_meters(
            next(iter(gov.governor.watch.snapshot.owners()))
        )
    )
    charge = Charge(meter=standing.meter.id, starts=standing.starts, amount=nano)
    burned = Burned(hold_id=0xABC, at=1_700_000_000 * MICROS, charges=(charge,))
    await gov.governor.ledger._authority.settle([burned])
    return burned


async def test_a_ledger_agrees_with_itself(gov):
    """
    After some requests everything counts to the same.
    """
    key = await gov.key(team_id="payments")
    await gov.spend(key["value"])

    answer = await gov.get("/ledger/check")

    assert answer == {"agrees": True, "discrepancies": [], "burned": 0}


async def test_burned_holds_are_listed_and_resolved_once(gov):
    """
    With what the provider truly billed; the second time there is nothing to resolve.
    """
    await burn(gov)

    listed = await gov.get("/ledger/burned")
    path = "/ledger/burned/abc/resolve"
    resolved = await gov.post(path, {"cost": 0.0004})
    again = await gov.post(path, {"cost": 0.0004}, status=404)
    everything = await gov.get("/ledger/burned?all=true")

    (hold,) = listed["burned"]
    assert (hold["id"], hold["amount"], hold["resolved"]) == ("abc", 0.001, None)
    assert hold["meters"] == ["team/payments/usd/month"]
    assert resolved["hold"]["resolved"] == 0.0004
    assert again["error"]["code"] == "hold_not_found"
    assert everything["burned"][0]["actor"] == "local"
    assert (await gov.get("/ledger/burned"))["burned"] == []


@pytest.mark.parametrize(
    ("path", "told", "status"),
    [
        ("abc", {}, 400),
        ("abc", {"cost": -1}, 400),
        ("xyz", {"cost": 1}, 404),
        ("f" * 40, {"cost": 1}, 404),
    ],
    ids=str,
)
async def test_a_resolution_that_is_wrong_changes_nothing(gov, path, told, status):
    """
    Neither without a cost nor for a hold that nobody knows.
    """
    await burn(gov)

    await gov.post(f"/ledger/burned/{path}/resolve", told, status=status)

    assert (await gov.get("/ledger/burned"))["total_count"] == 1
