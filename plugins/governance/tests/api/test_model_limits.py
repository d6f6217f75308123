from __future__ import annotations

FIELDS = {
    *("id", "model_name", "provider", "scope", "calendar_aligned", "budget_id"),
    *("rate_limit_id", "budget_ids", "budgets", "budget", "rate_limit"),
    *("config_hash", "created_at", "updated_at"),
}
OURS = {"name", "is_declared", "rate_limits", "max_parallel"}
TOLD = {
    "model_name": "gpt-5*",
    "provider": "openai",
    "budgets": [{"max_limit": 0, "reset_duration": "1d"}],
    "rate_limit": {"request_max_limit": 10, "request_reset_duration": "1m"},
}


async def test_limits_on_a_model_have_bifrosts_fields_and_hold(gov):
    """
    Appendix A: TableModelConfig, key by key; everybody's requests count on it.
    """
    key = await gov.key()

    answer = await gov.post("/model-configs", TOLD)

    config = answer["model_config"]
    assert answer["message"] == "Model config created successfully"
    assert set(config) == FIELDS | OURS
    assert (config["model_name"], config["provider"]) == ("gpt-5*", "openai")
    assert config["budget"]["model_config_id"] == config["id"]
    assert (await gov.spend(key["value"])).status == 402


async def test_limits_on_a_model_are_changed_listed_and_removed(gov):
    """
    The rest of the five routes.
    """
    made = (await gov.post("/model-configs", TOLD))["model_config"]
    path = f"/model-configs/{made['id']}"

    changed = (await gov.put(path, {"budgets": []}))["model_config"]
    listed = await gov.get("/model-configs?provider=openai")
    gone = await gov.delete(path)

    assert "budgets" not in changed
    assert changed["rate_limit"]["request_max_limit"] == 10
    assert [one["id"] for one in listed["model_configs"]] == [made["id"]]
    assert gone == {"message": "Model config deleted successfully"}
    await gov.get(path, status=404)


async def test_a_limit_for_one_scope_is_refused(gov):
    """
    Limits on models are everybody's here: one that is not must not hold for all.
    """
    told = {**TOLD, "scope": "virtual_key", "scope_id": "filed"}

    answer = await gov.post("/model-configs", told, status=400)

    assert [one["path"] for one in answer["error"]["problems"]] == ["scope", "scope_id"]


async def test_limits_on_a_provider_are_set_and_ended(gov):
    """
    Every request to it counts; the list shows providers without limits too.
    """
    key = await gov.key()
    budgets = [{"max_limit": 0, "reset_duration": "1d"}]

    answer = await gov.put("/providers/openai", {"budgets": budgets})
    refused = await gov.spend(key["value"])
    listed = (await gov.get("/providers"))["providers"]
    gone = await gov.delete("/providers/openai")
    served = await gov.spend(key["value"])

    assert answer["message"] == "Provider governance updated successfully"
    assert answer["provider"]["provider"] == "openai"
    assert answer["provider"]["budget"]["max_limit"] == 0.0
    assert [(one["provider"], "budget" in one) for one in listed] == [
        ("anthropic", False),
        ("openai", True),
    ]
    assert gone == {"message": "Provider governance deleted successfully"}
    assert (refused.status, served.status) == (402, 200)


async def test_a_provider_that_is_not_there_is_404(gov):
    """
    With the nearest name.
    """
    unknown = await gov.put("/providers/opnai", {}, status=404)
    unlimited = await gov.delete("/providers/openai", status=404)

    assert "did you mean openai?" in unknown["error"]["message"]
    assert unlimited["error"]["code"] == "model_config_not_found"
