from __future__ import annotations

import pytest


async def used(gov):
    """
    Let two keys be used, one of them twice.
    """
    one = await gov.key(name="one", team_id="payments")
    two = await gov.key(name="two")
    for key in (one, one, two):
        assert (await gov.spend(key["value"])).status == 200
    return one, two


async def test_usage_is_added_up_by_key(gov):
    """
    Each key with its name, attempts, tokens and cost, the dearest first.
    """
    one, two = await used(gov)

    answer = await gov.get("/usage?by=key")

    first, second = answer["usage"]
    assert (first["key"], first["name"], first["attempts"]) == (one["id"], "one", 2)
    assert (second["key"], second["attempts"]) == (two["id"], 1)
    assert first["cost_nano"] == 2 * second["cost_nano"] > 0
    assert first["output_tokens"] == 2 * second["output_tokens"] > 0
    assert first["cost"] == first["cost_nano"] / 1e9
    assert answer["since"] is not None


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("team", {"payments", None}),
        ("customer", {"bank", None}),
        ("model", {"gpt-5"}),
        ("provider", {"openai"}),
        ("run", {None}),
    ],
)
async def test_usage_is_added_up_by_any_group(gov, by, groups):
    """
    What belongs to nobody is told as well, so that the sums are the whole.
    """
    await used(gov)

    found = (await gov.get(f"/usage?by={by}"))["usage"]

    assert {each[by] for each in found} == groups
    assert sum(each["attempts"] for each in found) == 3


async def test_usage_is_told_by_day_and_in_all(gov):
    """
    Days are dates in UTC.
    """
    await used(gov)

    (day,) = (await gov.get("/usage?by=day"))["usage"]
    (total,) = (await gov.get("/usage"))["usage"]

    assert len(day["day"]) == len("2026-11-28")
    assert (day["attempts"], total["attempts"]) == (3, 3)


async def test_usage_is_narrowed(gov):
    """
    To a key, to a time before which there was none, to a page.
    """
    one, _ = await used(gov)

    mine = await gov.get(f"/usage?virtual_key_id={one['id']}")
    early = await gov.get("/usage?by=key&until=2001-01-01T00:00:00Z")
    page = await gov.get("/usage?by=key&limit=1&offset=1")

    assert mine["usage"][0]["attempts"] == 2
    assert early["usage"] == []
    assert [each["name"] for each in page["usage"]] == ["two"]


async def test_attempts_are_listed_page_by_page(gov):
    """
    Newest first, none twice and none left out.
    """
    await used(gov)

    first = await gov.get("/usage/rows?limit=2")
    second = await gov.get(f"/usage/rows?limit=2&after={first['next']}")

    rows = first["rows"] + second["rows"]
    assert (first["count"], second["count"], second["next"]) == (2, 1, None)
    assert len({row["exchange_id"] for row in rows}) == 3
    assert [row["at"] for row in rows] == sorted(
        (row["at"] for row in rows), reverse=True
    )
    assert {row["key_name"] for row in rows} == {"one", "two"}


@pytest.mark.parametrize(
    "query", ["by=keys", "since=yesterday", "limit=0", "team=payments"]
)
async def test_usage_is_asked_for_in_known_words(gov, query):
    """
    400 instead of everybody's usage.
    """
    answer = await gov.get(f"/usage?{query}", status=400)

    assert answer["error"]["problems"][0]["path"].startswith("?")


async def test_a_made_up_place_in_a_list_is_refused(gov):
    """
    400, not 500.
    """
    await gov.get("/usage/rows?after=bm9wZQ==", status=400)


async def test_a_page_says_whether_another_follows(gov):
    """
    Whoever adds a page up knows that it is not the whole.
    """
    await used(gov)

    first = await gov.get("/usage?by=key&limit=1")
    last = await gov.get("/usage?by=key&limit=1&offset=1")

    assert (first["count"], first["has_more"]) == (1, True)
    assert (last["count"], last["has_more"]) == (1, False)


async def test_usage_of_a_key_that_is_gone_has_its_name(gov):
    """
    What it spent stays recorded, and is still somebody's.
    """
    one, _ = await used(gov)
    await gov.delete(f"/virtual-keys/{one['id']}")

    found = (await gov.get("/usage?by=key"))["usage"]

    assert (found[0]["key"], found[0]["name"]) == (one["id"], "one")


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("/usage?since=2026-02-02T00:00:00Z&until=2026-02-01T00:00:00Z", "?until"),
        ("/virtual-keys?from_memory=banana", "?from_memory"),
    ],
)
async def test_a_query_that_means_nothing_is_refused(gov, query, path):
    """
    An empty answer would look like nothing used.
    """
    told = (await gov.get(query, status=400))["error"]

    assert told["problems"][0]["path"] == path
    assert "changed" not in told["message"]
