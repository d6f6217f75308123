from __future__ import annotations

import time

import pytest

from gateway_governance.api.bodies import read_moment

TEAM = "/budgets/team:payments:1M"


async def limited(gov, **budget):
    """
    Create a key with one budget; return the key and the path of the budget.
    """
    told = {"max_limit": 5, "reset_duration": "1M", **budget}
    key = await gov.key(budgets=[told])
    return key, f"/budgets/{key['budgets'][0]['id']}"


async def test_budgets_of_everybody_are_listed(gov):
    """
    Bifrost's envelope, whoever the owner is; narrowed to one where that is asked.
    """
    config = {
        "provider": "openai",
        "budgets": [{"max_limit": 1, "reset_duration": "1d"}],
    }
    key = await gov.key(
        allow_all_providers=None,
        provider_configs=[config],
        budgets=[{"max_limit": 5, "reset_duration": "1M"}],
    )

    every = await gov.get("/budgets")
    one = await gov.get(f"/budgets?virtual_key_id={key['id']}")
    by_id = await gov.get("/budgets?from_memory=true&limit=1")

    assert {each["owner"].split("/")[0] for each in every["budgets"]} == {
        *("team", "virtual_key", "provider_config"),
    }
    assert (every["count"], every["total_count"], every["offset"]) == (3, 3, 0)
    assert [each["owner"] for each in one["budgets"]] == [f"virtual_key/{key['id']}"]
    assert list(by_id["budgets"]) == ["team:payments:1M"]


async def test_rate_limits_of_everybody_are_listed(gov):
    """
    One object an owner, with the whole list beside Bifrost's two.
    """
    rates = [
        {"unit": "requests", "max_limit": 10, "reset_duration": "1m"},
        {"unit": "requests", "max_limit": 99, "reset_duration": "1d"},
    ]
    key = await gov.key(rate_limits=rates)

    (found,) = (await gov.get("/rate-limits"))["rate_limits"]

    assert found["virtual_key_id"] == key["id"]
    assert found["request_max_limit"] == 10
    assert [each["max_limit"] for each in found["rate_limits"]] == [10, 99]
    assert (await gov.get(f"/virtual-keys/{key['id']}"))["virtual_key"]["rate_limits"]


async def test_a_raise_lets_a_spent_key_go_on(gov):
    """
    Refused before, served after, and again refused once the raise is ended.
    """
    key, path = await limited(gov, max_limit=0)
    before = await gov.spend(key["value"])

    raised = await gov.post(
        f"{path}/override",
        {"override_amount": 200, "for_s": 28800, "reason": "incident 7"},
    )
    during = await gov.spend(key["value"])
    ended = await gov.delete(f"{path}/override")
    after = await gov.spend(key["value"])

    assert [each.status for each in (before, during, after)] == [402, 200, 402]
    budget = raised["budget"]
    assert (budget["max_limit"], budget["effective_limit"]) == (0.0, 200.0)
    assert budget["override_amount"] == 200.0
    (override,) = budget["overrides"]
    assert (override["reason"], override["actor"]) == ("incident 7", "local")
    assert 28000 < read_moment(override["until"]) - time.time() < 29000
    assert ended["budget"]["effective_limit"] == 0.0


async def test_a_budget_of_a_declared_team_is_raised_all_the_same(gov):
    """
    At three in the morning nobody edits a file; its limit itself stays the file's.
    """
    raised = await gov.post(
        f"{TEAM}/override", {"override_amount": 200, "for_s": 60, "reason": "night"}
    )
    refused = await gov.put("/teams/payments", {"budgets": []}, status=409)

    assert raised["budget"]["effective_limit"] == 300.0
    assert refused["error"]["code"] == "declared"


async def test_raises_add_up_or_take_each_others_place(gov):
    """
    POST adds one, PUT leaves one; both by the path of the key as well.
    """
    key, path = await limited(gov)
    alias = f"/virtual-keys/{key['id']}{path}/override"

    await gov.post(f"{path}/override", {"override_amount": 1})
    added = await gov.post(alias, {"override_amount": 2})
    replaced = await gov.put(alias, {"override_amount": 4, "cycles": 2})

    assert added["budget"]["effective_limit"] == 8.0
    assert [each["until"] for each in added["budget"]["overrides"]] == [None, None]
    assert replaced["budget"]["effective_limit"] == 9.0
    (override,) = replaced["budget"]["overrides"]
    assert override["until"] > replaced["budget"]["resets_at"]


@pytest.mark.parametrize(
    ("told", "place"),
    [
        ({}, "override_amount"),
        ({"override_amount": 0}, "override_amount"),
        ({"override_amount": -5}, "override_amount"),
        ({"override_amount": 1, "for_s": 0}, "for_s"),
        ({"override_amount": 1, "until": "2001-01-01T00:00:00Z"}, "until"),
        ({"override_amount": 1, "cycles": 2, "for_s": 5}, "cycles"),
        ({"override_amount": 1, "amount": 2}, "amount"),
    ],
    ids=str,
)
async def test_a_raise_that_is_wrong_is_refused(gov, told, place):
    """
    400, with the place.
    """
    answer = await gov.put(f"{TEAM}/override", told, status=400)

    assert [each["path"] for each in answer["error"]["problems"]] == [place]


@pytest.mark.parametrize(
    "path",
    [
        "/budgets/team:payments:1d",
        "/budgets/nonsense",
        "/budgets/team:nobody:1M",
        "/budgets/run:x:1M",
        "/budgets/team:payments:1x",
    ],
)
async def test_a_budget_that_is_not_there_is_404(gov, path):
    """
    Whatever the id looks like.
    """
    assert (await gov.get(path, status=404))["error"]["code"] == "budget_not_found"


async def test_a_budget_of_another_key_is_not_found_under_this_one(gov):
    """
    The path of the key is no way around whose budget it is.
    """
    _, path = await limited(gov)

    answer = await gov.put(f"/virtual-keys/filed{path}/override", {}, status=404)

    assert answer["error"]["code"] == "budget_not_found"


async def test_a_budget_begins_anew_when_it_is_reset(gov):
    """
    What was spent counts no more, and the window begins now.
    """
    key, path = await limited(gov)
    await gov.spend(key["value"])
    spent = (await gov.get(path))["budget"]

    reset = (await gov.post(f"{path}/reset"))["budget"]

    assert spent["current_usage"] > 0
    assert reset["current_usage"] == 0.0
    assert reset["last_reset"] >= spent["last_reset"]


async def test_a_budget_says_whose_it_is_by_name(gov):
    """
    An id says nothing to people, and commands take the name as well.
    """
    limits = {
        "budgets": [{"max_limit": 1, "reset_duration": "1d"}],
        "rate_limit": {"request_max_limit": 9, "request_reset_duration": "1h"},
    }
    key = await gov.key(name="checkout", **limits)

    (budget,) = (await gov.get(f"/budgets?virtual_key_id={key['id']}"))["budgets"]
    (rate,) = (await gov.get(f"/rate-limits?virtual_key_id={key['id']}"))["rate_limits"]
    path = f"/virtual-keys/checkout/budgets/{budget['id']}/override"
    raised = await gov.put(path, {"override_amount": 1})

    assert (budget["owner_name"], rate["owner_name"]) == ("checkout", "checkout")
    assert raised["budget"]["effective_limit"] == 2.0


async def test_what_a_reset_does_not_know_is_refused(gov):
    """
    Nothing begins anew then.
    """
    key = await gov.key(budgets=[{"max_limit": 1, "reset_duration": "1d"}])
    await gov.spend(key["value"])
    path = f"/budgets/{key['budgets'][0]['id']}"

    told = await gov.post(f"{path}/reset", {"when": "now"}, status=400)

    assert told["error"]["problems"][0]["path"] == "when"
    assert (await gov.get(path))["budget"]["current_usage"] > 0
