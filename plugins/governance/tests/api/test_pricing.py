from __future__ import annotations

import pytest

FIELDS = {
    *("id", "name", "scope_kind", "match_type", "pattern", "config_hash"),
    *("created_at", "updated_at"),
}
TOLD = {
    "name": "our contract",
    "scope_kind": "provider",
    "provider_id": "openai",
    "match_type": "wildcard",
    "pattern": "gpt-5*",
    "prices": {"input": 1.1, "output": "8.80", "tool:web_search": 10},
}


async def test_an_override_has_bifrosts_fields(gov):
    """
    Appendix A: TablePricingOverride, key by key; prices stay what was written.
    """
    answer = await gov.post("/pricing-overrides", TOLD)

    override = answer["pricing_override"]
    assert answer["message"] == "Pricing override created successfully"
    assert set(override) == FIELDS | {"provider_id", "prices", "is_declared"}
    assert override["prices"] == {
        "input": "1.1",
        "output": "8.80",
        "tool:web_search": "10",
    }
    assert (override["scope_kind"], override["match_type"]) == ("provider", "wildcard")


@pytest.mark.parametrize("is_text", [False, True], ids=["object", "text"])
async def test_bifrosts_patch_is_read_without_a_float(gov, is_text):
    """
    USD per token become USD per million, digit by digit, lengths and tiers included.
    """
    patch = (
        '{"input_cost_per_token": 0.00000123, "output_cost_per_token": 8e-6, '
        '"input_cost_per_token_above_200k_tokens_priority": 0.0000024, '
        '"output_cost_per_token_batches": 4e-6, "input_cost_per_request": 0.01}'
    )
    member = f'"patch": {patch}'
    if is_text:
        member = '"pricing_patch": "{}"'.format(patch.replace('"', '\\"'))

    body = f'{{"name": "x", "pattern": "gpt-5", "match_type": "exact", {member}}}'
    answer = await gov.post("/pricing-overrides", body.encode())

    assert answer["pricing_override"]["prices"] == {
        "input": "1.23",
        "output": "8",
        "priority.input@200000": "2.4",
        "batch.output": "4",
        "request": "10",
    }


async def test_overrides_are_changed_listed_and_removed(gov):
    """
    The rest of the five routes.
    """
    made = (await gov.post("/pricing-overrides", TOLD))["pricing_override"]
    path = f"/pricing-overrides/{made['id']}"

    changed = (await gov.put(path, {"name": "old contract"}))["pricing_override"]
    listed = await gov.get("/pricing-overrides?provider_id=openai")
    gone = await gov.delete(path)

    assert (changed["name"], changed["prices"]) == ("old contract", made["prices"])
    assert [one["id"] for one in listed["pricing_overrides"]] == [made["id"]]
    assert gone == {"message": "Pricing override deleted successfully"}
    await gov.get(path, status=404)


async def test_an_override_changes_what_is_charged(gov):
    """
    Dearer from the next request on.
    """
    key = await gov.key(budgets=[{"max_limit": 5, "reset_duration": "1M"}])
    path = f"/budgets/{key['budgets'][0]['id']}"
    await gov.spend(key["value"])
    before = (await gov.get(path))["budget"]["current_usage"]

    dear = {"input": 10, "output": 100}
    await gov.post("/pricing-overrides", {**TOLD, "prices": dear})
    await gov.spend(key["value"])
    after = (await gov.get(path))["budget"]["current_usage"]

    assert after - before == pytest.approx(10 * before, rel=0.001)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"prices": {"inptu": 1}}, "prices.inptu"),
        ({"prices": {"input": -1}}, "prices.input"),
        ({"prices": {"input": True}}, "prices.input"),
        ({"prices": {}}, "prices"),
        ({"patch": {}}, "patch"),
        ({"scope_kind": "global"}, "scope_kind"),
        ({"match_type": "exact"}, "match_type"),
        ({"request_types": ["chat_completion"]}, "request_types"),
        ({"provider_key_id": "main"}, "provider_key_id"),
        ({"provider_id": "opnai"}, "provider_id"),
    ],
    ids=str,
)
async def test_an_override_that_is_wrong_is_refused(gov, change, place):
    """
    400, with the place; what cannot be told apart here must not hold for more.
    """
    answer = await gov.post("/pricing-overrides", {**TOLD, **change}, status=400)

    assert [each["path"] for each in answer["error"]["problems"]] == [place]
