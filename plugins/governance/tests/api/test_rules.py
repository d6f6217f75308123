from __future__ import annotations

import pytest

FIELDS = {
    *("id", "config_hash", "name", "description", "enabled", "cel_expression"),
    *("targets", "fallbacks", "scope", "scope_id", "chain_rule", "priority"),
    *("created_at", "updated_at"),
}
TOLD = {
    "name": "long prompts",
    "cel_expression": "input_tokens > 100000",
    "targets": [
        {"provider": "openai", "model": "gpt-5", "key_id": "main", "weight": 0.7},
        {"provider": "anthropic", "weight": 0.3},
    ],
    "fallbacks": ["anthropic/claude-sonnet-4-5"],
    "scope": "team",
    "scope_id": "payments",
    "chain_rule": True,
    "priority": 5,
}


async def test_a_rule_has_bifrosts_fields(gov):
    """
    Appendix A: TableRoutingRule and TableRoutingTarget, key by key.
    """
    answer = await gov.post("/routing-rules", TOLD)

    rule = answer["rule"]
    assert answer["message"] == "Routing rule created successfully"
    assert set(rule) == FIELDS | {"is_declared"}
    told = {key: value for key, value in TOLD.items() if key != "targets"}
    assert {key: rule[key] for key in told} == told
    assert rule["enabled"] is True
    assert rule["targets"] == [
        {
            "provider": "openai",
            "model": "gpt-5",
            "key_id": "main",
            "provider_key_name": "main",
            "weight": 0.7,
        },
        {"provider": "anthropic", "weight": 0.3},
    ]


async def test_rules_are_changed_listed_and_removed(gov):
    """
    The rest of the five routes; lists are called rules.
    """
    rule = (await gov.post("/routing-rules", TOLD))["rule"]
    path = f"/routing-rules/{rule['id']}"

    changed = (await gov.put(path, {"enabled": False, "scope": "global"}))["rule"]
    listed = await gov.get("/routing-rules?enabled=false")
    gone = await gov.delete(path)

    assert (changed["enabled"], changed["scope"], changed["scope_id"]) == (
        False,
        "global",
        None,
    )
    assert changed["targets"] == rule["targets"]
    assert [one["id"] for one in listed["rules"]] == [rule["id"]]
    assert gone == {"message": "Routing rule deleted successfully"}
    assert (await gov.get(path, status=404))["error"][
        "code"
    ] == "routing_rule_not_found"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"fallbacks": ["openai/gpt-5", "nowhere"]}, "fallbacks[1]"),
        ({"cel_expression": "modelz == 'x'"}, "cel_expression"),
        ({"targets": [{"provider": "opnai"}]}, "targets[0].provider"),
        (
            {"targets": [{"provider": "openai", "key_id": "mainn"}]},
            "targets[0].provider_key_name",
        ),
        ({"targets": [{"key_id": "main"}]}, "targets[0].provider_key_name"),
        ({"targets": [], "fallbacks": []}, "targets"),
        ({"scope": "team", "scope_id": "nobody"}, "scope_id"),
        ({"scope": "user"}, "scope"),
        ({"query": {"combinator": "and"}}, "query"),
        ({"enabledd": True}, "enabledd"),
    ],
    ids=str,
)
async def test_a_rule_that_is_wrong_is_refused_when_it_is_written(gov, change, place):
    """
    400, with the place in Bifrost's words.
    """
    answer = await gov.post("/routing-rules", {**TOLD, **change}, status=400)

    assert [each["path"] for each in answer["error"]["problems"]] == [place]
