from __future__ import annotations

MODELS = {
    "models": {
        "smart": "openai/gpt-5",
        "odd": "openai/nobody-prices-this",
        "any-*": "openai/*",
    }
}


async def test_every_target_has_its_price_or_none(governed):
    """
    By the names that overrides go by; what has none is told as well, and alone where asked.
    """
    async with governed({}, **MODELS) as gov:
        every = (await gov.get("/prices"))["prices"]
        missing = (await gov.get("/prices?missing=true"))["prices"]

    found = {each["model"]: each for each in every}
    assert found["gpt-5"]["source"] == "catalog"
    assert {"input", "output"} <= set(found["gpt-5"]["prices"])
    assert found["nobody-prices-this"]["prices"] is None
    assert [each["model"] for each in missing] == ["nobody-prices-this"]


async def test_an_override_shows_for_its_key(governed):
    """
    A key's own price is shown where it is asked for, and to nobody else.
    """
    async with governed({}, **MODELS) as gov:
        key = await gov.key()
        told = {
            "name": "contract",
            "virtual_key_id": key["id"],
            "prices": {"input": "0.5", "output": "1.25"},
        }
        override = (await gov.post("/pricing-overrides", told))["pricing_override"]
        mine = await gov.get(f"/prices?search=gpt-5&virtual_key_id={key['name']}")
        theirs = await gov.get("/prices?search=gpt-5")

    own, others = (
        next(one for one in each["prices"] if one["model"] == "gpt-5")
        for each in (mine, theirs)
    )
    assert (own["source"], own["pricing_override_id"]) == ("override", override["id"])
    assert (own["prices"]["input"], own["prices"]["output"]) == ("0.5", "1.25")
    assert others["source"] == "catalog"
