from __future__ import annotations

import asyncio

import pytest

LIMITS = {
    "budgets": [{"max_limit": 5, "reset_duration": "1M"}],
    "rate_limit": {"token_max_limit": 1000, "token_reset_duration": "1h"},
    "max_parallel": 3,
}
BUDGET = {
    *("id", "max_limit", "reset_duration", "last_reset", "current_usage"),
    *("calendar_aligned", "config_hash", "created_at", "updated_at", "owner"),
    *("effective_limit", "held", "burned", "calendar", "mode", "overrides"),
    "resets_at",
}
TEAM = {
    *("id", "name", "customer_id", "rate_limit_id", "customer", "budgets"),
    *("rate_limit", "virtual_key_count", "profile", "config", "claims"),
    *("calendar_aligned", "config_hash", "created_at", "updated_at"),
}
CUSTOMER = {
    *("id", "name", "rate_limit_id", "budgets", "rate_limit", "teams"),
    *("virtual_keys", "calendar_aligned", "config_hash", "created_at", "updated_at"),
}
OURS = {"rate_limits", "max_parallel", "in_flight", "is_declared"}


async def test_a_team_has_bifrosts_fields(gov):
    """
    Appendix A: TableTeam, key by key, then what is ours.
    """
    told = {"name": "risk", "customer_id": "bank", "models": ["fast"], **LIMITS}

    answer = await gov.post("/teams", told)

    team = answer["team"]
    assert answer["message"] == "Team created successfully"
    assert set(team) == TEAM | OURS | {"models"}
    assert (team["name"], team["customer_id"], team["models"]) == (
        "risk",
        "bank",
        ["fast"],
    )
    assert team["customer"]["name"] == "bank"
    (budget,) = team["budgets"]
    assert set(budget) == BUDGET | {"team_id"}
    assert budget["team_id"] == team["id"]


async def test_a_customer_has_bifrosts_fields(gov):
    """
    Appendix A: TableCustomer, key by key, with its teams and keys.
    """
    answer = await gov.post("/customers", {"name": "shop", **LIMITS})
    customer = answer["customer"]
    await gov.post("/teams", {"name": "web", "customer_id": customer["id"]})
    await gov.key(customer_id=customer["id"])

    found = (await gov.get(f"/customers/{customer['id']}"))["customer"]

    assert answer["message"] == "Customer created successfully"
    assert set(found) == CUSTOMER | OURS | {"virtual_key_count"}
    assert set(found["budgets"][0]) == BUDGET | {"customer_id"}
    assert [team["name"] for team in found["teams"]] == ["web"]
    assert [key["name"] for key in found["virtual_keys"]] == ["k"]
    assert found["virtual_key_count"] == 1


async def test_a_single_budget_is_taken_as_a_list_of_one(gov):
    """
    Older clients write ``budget``; an empty one takes it away.
    """
    told = {"name": "risk", "budget": {"max_limit": 5, "reset_duration": "1d"}}

    team = (await gov.post("/teams", told))["team"]
    gone = (await gov.put(f"/teams/{team['id']}", {"budget": {}}))["team"]

    assert team["budgets"][0]["max_limit"] == 5.0
    assert "budgets" not in gone


@pytest.mark.parametrize("kind", ["team", "customer"])
async def test_a_change_leaves_what_it_does_not_speak_of(gov, kind):
    """
    A new name changes no limit.
    """
    made = (await gov.post(f"/{kind}s", {"name": "risk", **LIMITS}))[kind]

    answer = await gov.put(f"/{kind}s/{made['id']}", {"name": "risks"})

    assert answer["message"] == f"{kind.capitalize()} updated successfully"
    assert answer[kind]["name"] == "risks"
    assert answer[kind]["budgets"][0]["max_limit"] == 5.0
    assert answer[kind]["max_parallel"] == 3


async def test_what_is_in_use_is_not_removed(gov):
    """
    409 with those that would be left behind; free of them it goes.
    """
    team = (await gov.post("/teams", {"name": "risk"}))["team"]
    key = await gov.key(team_id=team["id"])

    busy = await gov.delete(f"/teams/{team['id']}", status=409)
    await gov.delete(f"/virtual-keys/{key['id']}")
    gone = await gov.delete(f"/teams/{team['id']}")

    assert busy["error"]["code"] == "in_use"
    assert "virtual key k" in busy["error"]["message"]
    assert gone == {"message": "Team deleted successfully"}
    assert (await gov.get(f"/teams/{team['id']}", status=404))["error"]["code"] == (
        "team_not_found"
    )


async def test_lists_are_filtered_and_counted(gov):
    """
    Teams of one customer, each with how many keys it has.
    """
    await gov.post("/teams", {"name": "loose"})
    await gov.key(team_id="payments")

    teams = await gov.get("/teams?customer_id=bank")
    by_id = await gov.get("/customers?from_memory=true")

    assert [team["name"] for team in teams["teams"]] == ["payments"]
    assert teams["teams"][0]["virtual_key_count"] == 2
    assert set(by_id["customers"]) == {"bank"}


async def test_declared_owners_are_read_only(gov):
    """
    409, naming where they stand.
    """
    team = await gov.put("/teams/payments", {"name": "p"}, status=409)
    customer = await gov.delete("/customers/bank", status=409)

    assert "plugins.governance.teams.payments" in team["error"]["message"]
    assert customer["error"]["code"] == "declared"


async def test_whoever_changed_first_wins(gov):
    """
    Two changes made up from the same state: the second is 409, not lost and not mixed in.
    """
    team = (await gov.post("/teams", {"name": "risk"}))["team"]
    path = f"/api/governance/teams/{team['id']}"

    answers = await asyncio.gather(
        *(gov.client.ask("PUT", path, {"max_parallel": n}) for n in range(1, 9))
    )

    told = [answer.json for answer in answers]
    won = [one["team"]["max_parallel"] for one in told if "team" in one]
    lost = {one["error"]["code"] for one in told if "error" in one}
    now = (await gov.get(f"/teams/{team['id']}"))["team"]["max_parallel"]
    assert now in won
    assert lost <= {"changed"}
