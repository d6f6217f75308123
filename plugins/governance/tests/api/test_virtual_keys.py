from __future__ import annotations

import re

import pytest

from gateway.events import AdminActed
from gateway_governance.api.virtual_keys import MAX_VALUES
from gateway_governance.events import EntityChanged

#: Bifrost's table, field by field: those that are always there …
ALWAYS = {
    *("id", "name", "value", "is_active", "provider_configs", "mcp_configs"),
    *("calendar_aligned", "config_hash", "created_at", "updated_at"),
}
#: … and those that are left out where they are empty.
OPTIONAL = {
    *("description", "team_id", "customer_id", "rate_limit_id"),
    *("team", "customer", "rate_limit", "budgets"),
}
OURS = {
    *("allow_all_providers", "models", "expires_at", "metadata", "is_declared"),
    *("state", "values", "rate_limits", "max_parallel"),
}


async def test_a_key_that_is_created_is_answered_as_bifrost_answers(gov):
    """
    Status 200, a message, and the key with its value, key by key.
    """
    answer = await gov.post("/virtual-keys", {"name": "checkout"})

    assert answer["message"] == "Virtual key created successfully"
    key = answer["virtual_key"]
    assert set(key) == ALWAYS | OURS
    assert key["name"] == "checkout"
    assert key["is_active"] is True
    assert key["mcp_configs"] == []
    assert re.fullmatch(r"sk-gw-[0-9A-Za-z]{42}", key["value"])
    assert re.fullmatch(r"vk_[0-9A-Za-z]{16}", key["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", key["created_at"])


async def test_everything_that_a_key_may_have_comes_back(gov):
    """
    Each of Bifrost's fields and of ours is read, kept and written under its own name.
    """
    told = {
        "name": "checkout",
        "description": "of the shop",
        "team_id": "payments",
        "is_active": False,
        "provider_configs": [
            {
                "provider": "openai",
                "weight": 0.7,
                "allowed_models": ["gpt-5*"],
                "blacklisted_models": ["gpt-5-pro"],
                "key_ids": ["main"],
                "budgets": [{"max_limit": 1.5, "reset_duration": "1d"}],
            },
            {"provider": "anthropic", "allowed_models": ["*"], "key_ids": ["*"]},
        ],
        "budgets": [
            {"max_limit": 20, "reset_duration": "1M", "mode": "soft"},
            {
                "max_limit": 0.000000001,
                "reset_duration": "1d",
                "calendar": "Europe/Zurich",
            },
        ],
        "rate_limit": {
            "token_max_limit": 1000,
            "token_reset_duration": "1h",
            "request_max_limit": 10,
            "request_reset_duration": "1m",
        },
        "models": ["fast", "claude-*"],
        "max_parallel": 7,
        "expires_at": "2099-12-31T00:00:00Z",
        "metadata": {"cost_center": "42"},
    }

    key = (await gov.post("/virtual-keys", told))["virtual_key"]

    assert set(key) == (ALWAYS | OPTIONAL | OURS | {"in_flight"}) - {
        "customer_id",
        "customer",
    }
    assert key["description"] == "of the shop"
    assert (key["team_id"], key["team"]["name"]) == ("payments", "payments")
    assert (key["is_active"], key["state"]) == (False, "inactive")
    assert key["models"] == ["fast", "claude-*"]
    assert key["max_parallel"] == 7
    assert key["expires_at"] == "2099-12-31T00:00:00.000Z"
    assert key["metadata"] == {"cost_center": "42"}
    assert key["calendar_aligned"] is True
    assert not key["allow_all_providers"]
    monthly, daily = key["budgets"]
    assert (monthly["max_limit"], monthly["mode"]) == (20.0, "soft")
    assert (daily["max_limit"], daily["calendar"]) == (1e-9, "Europe/Zurich")
    first, second = key["provider_configs"]
    assert set(first) == {
        *("id", "virtual_key_id", "provider", "weight", "allowed_models"),
        *("blacklisted_models", "allow_all_keys", "budgets", "keys", "key_ids"),
        *("calendar_aligned", "rate_limits", "max_parallel"),
    }
    assert first["weight"] == 0.7
    assert first["allowed_models"] == ["gpt-5*"]
    assert first["blacklisted_models"] == ["gpt-5-pro"]
    assert (first["allow_all_keys"], first["keys"]) == (
        False,
        [{"id": "main", "name": "main"}],
    )
    assert first["budgets"][0]["provider_config_id"] == first["id"]
    assert (second["weight"], second["allow_all_keys"]) == (None, True)


async def test_a_budget_and_a_rate_limit_have_bifrosts_fields(gov):
    """
    Appendix A: TableBudget and TableRateLimit, key by key, then what is ours.
    """
    key = await gov.key(
        budgets=[{"max_limit": 20, "reset_duration": "1M"}],
        rate_limit={"request_max_limit": 10, "request_reset_duration": "1m"},
        calendar_aligned=True,
    )

    (budget,) = key["budgets"]
    assert set(budget) == {
        *("id", "max_limit", "reset_duration", "last_reset", "current_usage"),
        *("virtual_key_id", "calendar_aligned", "config_hash"),
        *("created_at", "updated_at"),
        *("owner", "effective_limit", "held", "burned", "calendar", "mode"),
        *("overrides", "resets_at"),
    }
    assert budget["id"] == f"virtual_key:{key['id']}:1M"
    assert budget["virtual_key_id"] == key["id"]
    assert (budget["current_usage"], budget["calendar"]) == (0.0, "UTC")
    assert budget["last_reset"].endswith("-01T00:00:00.000Z")
    rate = key["rate_limit"]
    assert set(rate) == {
        *("id", "request_max_limit", "request_reset_duration"),
        *("request_current_usage", "request_last_reset"),
        *("token_current_usage", "token_last_reset"),
        *("calendar_aligned", "config_hash", "created_at", "updated_at"),
    }
    assert key["rate_limit_id"] == rate["id"]
    assert (rate["request_max_limit"], rate["request_reset_duration"]) == (10, "1m")


async def test_a_value_is_shown_once_and_never_again(gov):
    """
    No list, no look and no change repeats it; what they show is no value.
    """
    key = await gov.key()
    value = key["value"]

    shown = [
        await gov.get("/virtual-keys"),
        await gov.get("/virtual-keys?from_memory=true"),
        await gov.get(f"/virtual-keys/{key['id']}"),
        await gov.put(f"/virtual-keys/{key['id']}", {"description": "x"}),
    ]

    assert (await gov.spend(value)).status == 200
    assert all(value not in str(each) for each in shown)
    masked = shown[2]["virtual_key"]["value"]
    assert masked == f"{value[:16]}****{value[-4:]}"
    assert (await gov.spend(masked)).status == 401


async def test_a_value_of_the_callers_own_is_taken_for_a_migration(gov):
    """
    Clients of another gateway go on with the value that they have.
    """
    value = "sk-bf-0b7f8d2e-3c41-4f5e-9a67-1d2c3b4a5f60"

    key = await gov.key(value=value)

    assert key["value"] == value
    assert (await gov.spend(value)).status == 200
    shown = (await gov.get(f"/virtual-keys/{key['id']}"))["virtual_key"]
    assert shown["value"] == "****"


@pytest.mark.parametrize(
    ("told", "path", "said"),
    [
        ({"name": "x", "modelz": []}, "modelz", "did you mean models?"),
        ({}, "name", "is required"),
        ({"name": 7}, "name", "must be text"),
        ({"name": "x", "is_active": "yes"}, "is_active", "must be true or false"),
        ({"name": "x", "is_active": 1}, "is_active", "must be true or false"),
        ({"name": "x", "budgets": {}}, "budgets", "must be a list"),
        (
            {"name": "x", "budgets": [{"max_limit": "5", "reset_duration": "1d"}]},
            "budgets[0].max_limit",
            "must be a number of USD",
        ),
        (
            {"name": "x", "budgets": [{"max_limit": 5, "reset_duration": "30d"}]},
            "budgets[0].reset_duration",
            "must be one of 1m 5m 1h 1d 1w 1M 1Q 1Y",
        ),
        (
            {"name": "x", "budgets": [{"max_limit": -1, "reset_duration": "1d"}]},
            "budgets[0].max_limit",
            "must not be less than 0",
        ),
        (
            {
                "name": "x",
                "budgets": [
                    {"max_limit": 1, "reset_duration": "1d"},
                    {"max_limit": 2, "reset_duration": "1d"},
                ],
            },
            "budgets[1].reset_duration",
            "one budget of each period",
        ),
        (
            {"name": "x", "provider_configs": [{"provider": "opnai"}]},
            "provider_configs[0].provider",
            "did you mean openai?",
        ),
        (
            {
                "name": "x",
                "provider_configs": [{"provider": "openai", "key_ids": ["mainn"]}],
            },
            "provider_configs[0].key_ids[0]",
            "there are main spare",
        ),
        (
            {"name": "x", "provider_configs": [{"provider": "openai", "budgt": {}}]},
            "provider_configs[0].budgt",
            "did you mean budget?",
        ),
        ({"name": "x", "team_id": "nobody"}, "team_id", "no such team"),
        (
            {"name": "x", "team_id": "payments", "customer_id": "bank"},
            "customer_id",
            "not both",
        ),
        ({"name": "x", "expires_at": "tomorrow"}, "expires_at", "with its zone"),
        ({"name": "x", "value": "sk-gw-wrong"}, "value", "checksum is wrong"),
        (
            {"name": "x", "rate_limit": {"token_reset_duration": "1h"}},
            "rate_limit.token_reset_duration",
            "limits nothing",
        ),
        (
            {
                "name": "x",
                "rate_limit": {
                    "token_max_limit": 5.5,
                    "token_reset_duration": "1h",
                },
            },
            "rate_limit.token_max_limit",
            "must be a whole number",
        ),
        ({"name": "x", "metadata": {"a": 1}}, "metadata", "object of texts"),
        (
            {"name": "x", "mcp_configs": [{"mcp_client_name": "a"}]},
            "mcp_configs",
            "leave it out",
        ),
    ],
    ids=lambda told: told if isinstance(told, str) else "",
)
async def test_a_body_that_is_wrong_is_refused_with_the_place(gov, told, path, said):
    """
    400, with the path of what is wrong and what to do; nothing is created.
    """
    answer = await gov.post("/virtual-keys", told, status=400)

    assert answer["error"]["code"] == "invalid_request"
    (problem,) = answer["error"]["problems"]
    assert problem["path"] == path
    assert said in problem["message"]
    assert (await gov.get("/virtual-keys?is_declared=false"))["total_count"] == 0


async def test_every_fault_of_a_body_is_told_at_once(gov):
    """
    Whoever writes a body by hand corrects it once.
    """
    told = {"name": 1, "namee": "x", "budgets": [{"reset_duration": "1x"}]}

    answer = await gov.post("/virtual-keys", told, status=400)

    paths = [problem["path"] for problem in answer["error"]["problems"]]
    assert paths == [
        "budgets[0].reset_duration",
        "budgets[0].max_limit",
        "name",
        "namee",
    ]


async def test_money_is_read_digit_by_digit(gov):
    """
    Seventeen digits are kept to the nano, which no float of them would be; more are refused.
    """
    body = b'{"name": "x", "budgets": [{"max_limit": 12345678.123456789, "reset_duration": "1d"}]}'
    finer = body.replace(b"123456789,", b"1234567891,")

    key = (await gov.post("/virtual-keys", body))["virtual_key"]
    refused = await gov.post("/virtual-keys", finer, status=400)

    stored = gov.governor.watch.snapshot.keys[key["id"]]
    assert stored.limits.budgets[0].limit_nano == 12_345_678_123_456_789
    assert "nano-dollar" in refused["error"]["problems"][0]["message"]


@pytest.mark.parametrize(
    "absurd", [b"1e400", b"1e-400", b"1e999999999", b"1" + b"0" * 60]
)
async def test_absurd_amounts_are_refused_at_once(gov, absurd):
    """
    No arithmetic is done with a number of a thousand million digits.
    """
    body = b'{"name": "x", "budgets": [{"max_limit": %b, "reset_duration": "1d"}]}'

    answer = await gov.post("/virtual-keys", body % absurd, status=400)

    assert answer["error"]["problems"][0]["path"] == "budgets[0].max_limit"


async def test_a_key_that_says_nothing_of_providers_may_use_nothing(gov):
    """
    Deny by default, as in Bifrost; a list of models says enough.
    """
    bare = (await gov.post("/virtual-keys", {"name": "bare"}))["virtual_key"]
    named = {"name": "named", "models": ["openai/gpt-5"]}
    with_models = (await gov.post("/virtual-keys", named))["virtual_key"]

    assert (bare["allow_all_providers"], bare["provider_configs"]) == (False, [])
    assert (await gov.spend(bare["value"])).status == 403
    assert (await gov.spend(with_models["value"])).status == 200


async def test_what_a_change_does_not_speak_of_stays(gov):
    """
    A change of one thing does not undo another, whatever its default is.
    """
    key = await gov.key(
        team_id="payments",
        budgets=[{"max_limit": 5, "reset_duration": "1M"}],
        metadata={"a": "b"},
    )

    changed = (await gov.put(f"/virtual-keys/{key['id']}", {"is_active": False}))[
        "virtual_key"
    ]

    same = set(key) - {"value", "is_active", "state", "updated_at", "config_hash"}
    same -= {"budgets", "values"}
    assert changed["is_active"] is False
    assert {name: changed[name] for name in same} == {name: key[name] for name in same}
    assert changed["budgets"][0]["max_limit"] == 5.0
    assert (await gov.spend(key["value"])).status == 403


async def test_providers_of_a_key_keep_their_limits_through_a_change(gov):
    """
    The list replaces the list, but a provider that stays keeps its id and what it spent.
    """
    config = {"provider": "openai", "allowed_models": ["*"], "key_ids": ["*"]}
    limited = {**config, "budgets": [{"max_limit": 5, "reset_duration": "1M"}]}
    key = await gov.key(allow_all_providers=None, provider_configs=[limited])

    other = {"provider": "anthropic", "allowed_models": ["*"]}
    changed = await gov.put(
        f"/virtual-keys/{key['id']}", {"provider_configs": [other, config]}
    )

    before = key["provider_configs"][0]
    _, after = changed["virtual_key"]["provider_configs"]
    assert after["id"] == before["id"]
    assert after["budgets"][0]["id"] == before["budgets"][0]["id"]
    assert after["budgets"][0]["max_limit"] == 5.0


async def test_who_joins_a_team_leaves_the_customer(gov):
    """
    A key has one of the two; naming one clears the other, null clears it.
    """
    key = await gov.key(customer_id="bank")
    path = f"/virtual-keys/{key['id']}"

    joined = (await gov.put(path, {"team_id": "payments"}))["virtual_key"]
    alone = (await gov.put(path, {"team_id": None}))["virtual_key"]

    assert (joined["team_id"], "customer_id" in joined) == ("payments", False)
    assert "team_id" not in alone


async def test_the_calendar_of_an_owner_is_switched_for_all_its_limits(gov):
    """
    On gives each limit UTC's calendar and leaves one of its own; off takes them away.
    """
    budgets = [
        {"max_limit": 1, "reset_duration": "1d"},
        {"max_limit": 5, "reset_duration": "1M", "calendar": "Asia/Tokyo"},
    ]
    key = await gov.key(budgets=budgets)
    path = f"/virtual-keys/{key['id']}"

    on = (await gov.put(path, {"calendar_aligned": True}))["virtual_key"]
    off = (await gov.put(path, {"calendar_aligned": False}))["virtual_key"]

    assert [each["calendar"] for each in on["budgets"]] == ["UTC", "Asia/Tokyo"]
    assert [each["calendar"] for each in off["budgets"]] == [None, None]
    assert (on["calendar_aligned"], off["calendar_aligned"]) == (True, False)


async def test_limits_are_taken_away_by_an_empty_one(gov):
    """
    An empty list and Bifrost's empty object end what was there; null changes nothing.
    """
    key = await gov.key(
        budgets=[{"max_limit": 1, "reset_duration": "1d"}],
        rate_limit={"request_max_limit": 10, "request_reset_duration": "1m"},
    )
    path = f"/virtual-keys/{key['id']}"

    same = (await gov.put(path, {"budgets": None, "rate_limit": None}))["virtual_key"]
    gone = (await gov.put(path, {"budgets": [], "rate_limit": {}}))["virtual_key"]

    assert "budgets" in same
    assert "rate_limit" in same
    assert "budgets" not in gone
    assert "rate_limit" not in gone


async def test_a_deleted_key_is_refused_at_once(gov):
    """
    Whoever asks next with it is nobody.
    """
    key = await gov.key()
    assert (await gov.spend(key["value"])).status == 200

    answer = await gov.delete(f"/virtual-keys/{key['id']}")

    assert answer == {"message": "Virtual key deleted successfully"}
    assert (await gov.spend(key["value"])).status == 401
    gone = await gov.get(f"/virtual-keys/{key['id']}", status=404)
    assert gone["error"]["code"] == "virtual_key_not_found"


async def test_rotation_gives_a_new_value_and_ends_the_old(gov):
    """
    Without an overlap the old value is worth nothing from then on.
    """
    key = await gov.key()

    rotated = await gov.post(f"/virtual-keys/{key['id']}/rotate")

    assert rotated["message"] == "Virtual key rotated successfully"
    value = rotated["virtual_key"]["value"]
    assert value != key["value"]
    assert (await gov.spend(value)).status == 200
    assert (await gov.spend(key["value"])).status == 401


async def test_rotation_lets_the_old_value_hold_for_a_while(gov):
    """
    Both are good, and the old one says until when.
    """
    key = await gov.key()

    path = f"/virtual-keys/{key['id']}/rotate"
    rotated = (await gov.post(path, {"overlap_s": 3600}))["virtual_key"]

    new, old = rotated["values"]
    assert new["expires_at"] is None
    assert old["expires_at"] is not None
    assert (await gov.spend(key["value"])).status == 200
    assert (await gov.spend(rotated["value"])).status == 200


async def test_a_list_counts_the_keys_of_a_team_as_one_key_does(gov):
    """
    A team that is shown beside its key has one at least.
    """
    key = await gov.key(team_id="payments")

    one = (await gov.get(f"/virtual-keys/{key['id']}"))["virtual_key"]
    listed = (await gov.get("/virtual-keys?search=k"))["virtual_keys"]

    (found,) = (each for each in listed if each["id"] == key["id"])
    assert found["team"]["virtual_key_count"] == one["team"]["virtual_key_count"] > 0


async def test_rotation_needs_another_value(gov):
    """
    One that is given again would go on, whoever got hold of it, and look rotated.
    """
    value = "a-value-that-leaked-0123456789"
    key = await gov.key(value=value)
    path = f"/virtual-keys/{key['id']}/rotate"

    told = await gov.post(path, {"value": value}, status=400)
    await gov.post(path, {"value": f"{value}-next"})
    await gov.post(path, {"value": value})

    assert told["error"]["problems"][0]["path"] == "value"
    assert value not in str(told)


async def test_rotation_ends_no_value_before_its_time(gov):
    """
    As many as a key may have hold on; one more is refused, unless they are to end.
    """
    key = await gov.key()
    path = f"/virtual-keys/{key['id']}/rotate"
    for _ in range(MAX_VALUES - 1):
        await gov.post(path, {"overlap_s": 3600})

    told = await gov.post(path, {"overlap_s": 3600}, status=400)

    assert told["error"]["problems"][0]["path"] == "overlap_s"
    assert (await gov.spend(key["value"])).status == 200
    await gov.post(path)
    assert (await gov.spend(key["value"])).status == 401


async def test_a_declared_key_is_read_only_and_says_where_it_stands(gov):
    """
    409, naming the path in the settings; it is shown like any other.
    """
    answers = [
        await gov.put("/virtual-keys/filed", {"is_active": False}, status=409),
        await gov.delete("/virtual-keys/filed", status=409),
        await gov.post("/virtual-keys/filed/rotate", status=409),
    ]

    for answer in answers:
        assert answer["error"]["code"] == "declared"
        assert "plugins.governance.virtual_keys.filed" in answer["error"]["message"]
    shown = (await gov.get("/virtual-keys/filed"))["virtual_key"]
    assert (shown["is_declared"], shown["value"]) == (True, "****")


async def test_conflicts_have_their_status(gov):
    """
    A name or value that is taken is 409, and says so without the value.
    """
    value = "a-value-that-is-taken-0123456789"
    await gov.key(value=value)

    name = await gov.post("/virtual-keys", {"name": "k"}, status=409)
    taken = await gov.post("/virtual-keys", {"name": "l", "value": value}, status=409)

    assert name["error"]["code"] == "name_taken"
    assert taken["error"]["code"] == "value_taken"
    assert value not in str(taken)


async def test_lists_are_paged_and_filtered(gov):
    """
    Bifrost's envelope: the page, how many it has, how many there are.
    """
    for name in ("c", "a", "b"):
        await gov.key(name=name, team_id="payments" if name != "c" else None)
    await gov.key(name="off", is_active=False)

    page = await gov.get("/virtual-keys?limit=2&offset=1&sort_by=name")
    names = {
        query: [
            one["name"]
            for one in (await gov.get(f"/virtual-keys?{query}"))["virtual_keys"]
        ]
        for query in (
            "team_id=payments&sort_by=name",
            "search=OF",
            "is_active=false",
            "sort_by=name&order=desc&limit=1",
        )
    }

    assert {key: page[key] for key in ("count", "total_count", "limit", "offset")} == {
        "count": 2,
        "total_count": 5,
        "limit": 2,
        "offset": 1,
    }
    assert [one["name"] for one in page["virtual_keys"]] == ["b", "c"]
    assert names == {
        "team_id=payments&sort_by=name": ["a", "b", "filed"],
        "search=OF": ["off"],
        "is_active=false": ["off"],
        "sort_by=name&order=desc&limit=1": ["off"],
    }


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=x",
        "offset=-1",
        "is_active=maybe",
        "teem_id=x",
        "limit=1&limit=2",
        "sort_by=secret",
    ],
)
async def test_a_list_is_asked_for_in_known_words(gov, query):
    """
    A filter that is misspelt must not show everything.
    """
    answer = await gov.get(f"/virtual-keys?{query}", status=400)

    (problem,) = answer["error"]["problems"]
    assert problem["path"].startswith("?")


async def test_what_a_worker_goes_by_is_an_object_by_ids(gov):
    """
    ``from_memory=true`` answers keyed by id.
    """
    key = await gov.key()

    answer = await gov.get("/virtual-keys?from_memory=true")

    assert set(answer["virtual_keys"]) == {"filed", key["id"]}
    assert answer["virtual_keys"][key["id"]]["name"] == "k"
    one = await gov.get(f"/virtual-keys/{key['id']}?from_memory=true")
    assert one["virtual_key"]["id"] == key["id"]


async def test_usage_shows_in_the_budget(gov):
    """
    What was spent stands in current_usage, until somebody resets it.
    """
    key = await gov.key(budgets=[{"max_limit": 5, "reset_duration": "1M"}])
    path = f"/virtual-keys/{key['id']}"
    assert (await gov.spend(key["value"])).status == 200

    (spent,) = (await gov.get(path))["virtual_key"]["budgets"]
    reset = await gov.put(path, {"reset_budget_usage": True})

    assert 0 < spent["current_usage"] < 0.001
    assert reset["virtual_key"]["budgets"][0]["current_usage"] == 0.0


async def test_a_key_shows_itself_what_is_left_of_it(gov):
    """
    The key is the credential; it sees its limits and those that it shares, and no value.
    """
    key = await gov.key(
        team_id="payments",
        budgets=[{"max_limit": 5, "reset_duration": "1M"}],
        rate_limit={"request_max_limit": 10, "request_reset_duration": "1m"},
    )
    await gov.spend(key["value"])

    told = await gov.get("/virtual-keys/quota", headers={"x-bf-vk": key["value"]})

    assert told["virtual_key_name"] == "k"
    assert told["budgets"][0]["current_usage"] > 0
    assert told["budgets"][0]["resets_at"] is not None
    assert told["rate_limit"]["request_current_usage"] == 1
    assert told["team"]["budgets"][0]["current_usage"] > 0
    assert told["customer"]["name"] == "bank"
    assert key["value"] not in str(told)


async def test_a_quota_tells_nothing_of_operators(gov):
    """
    Neither who raised a budget, and why, nor what the provider's credentials are called.
    """
    config = {"provider": "openai", "allowed_models": ["*"], "key_ids": ["main"]}
    key = await gov.key(
        allow_all_providers=False,
        budgets=[{"max_limit": 1, "reset_duration": "1d"}],
        provider_configs=[config],
    )
    raised = {"override_amount": 1, "reason": "incident 7"}
    await gov.post(f"/budgets/{key['budgets'][0]['id']}/override", raised)

    told = await gov.get("/virtual-keys/quota", headers={"x-bf-vk": key["value"]})

    assert told["budgets"][0]["overrides"] == [{"amount": 1.0, "until": None}]
    assert told["provider_configs"][0]["allowed_models"] == ["*"]
    assert "incident" not in str(told)
    assert "main" not in str(told)


async def test_a_quota_is_nobody_elses(gov):
    """
    Without a key 401, with an unknown one 401, with one that is switched off 403.
    """
    key = await gov.key(is_active=False)

    codes = [
        (await gov.get("/virtual-keys/quota", headers=headers, status=status))["error"][
            "code"
        ]
        for headers, status in (
            ({}, 401),
            ({"x-api-key": "sk-gw-nobody"}, 401),
            ({"x-api-key": key["value"]}, 403),
        )
    ]

    assert codes == [
        "virtual_key_required",
        "virtual_key_not_found",
        "virtual_key_blocked",
    ]


async def test_a_change_is_told_to_everybody_without_its_secret(gov):
    """
    Other workers learn what to read again, an audit who did what to which state.
    """
    key = await gov.key(value="a-value-that-nobody-may-log-1234")
    await gov.delete(f"/virtual-keys/{key['id']}")

    events = gov.events
    changed = [one for one in events if isinstance(one, EntityChanged)]
    acted = [one for one in events if isinstance(one, AdminActed)]
    assert [(one.kind, one.id, one.name, one.action) for one in changed] == [
        ("virtual_key", key["id"], "k", "created"),
        ("virtual_key", key["id"], "k", "removed"),
    ]
    created, removed = acted
    assert created.target == f"governance.virtual_key/{key['id']}"
    assert (created.digests[0], removed.digests[1]) == ("", "")
    assert created.digests[1] == removed.digests[0] != ""
    assert "nobody-may-log" not in str(events)
