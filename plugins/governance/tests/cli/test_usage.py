from __future__ import annotations

import re


async def test_usage_is_added_up(gov, cli):
    """
    A row for each group, names instead of ids, the rest as nobody's.
    """
    key = await gov.key(team_id="payments")
    other = await gov.key(name="other")
    for value in (key["value"], key["value"], other["value"]):
        await gov.spend(value)

    table = await cli.run("usage", "--by", "team", "--since", "7d")
    document = await cli.json("usage", "--by", "key")

    assert re.search(r"^payments +2 ", table, re.MULTILINE)
    assert re.search(r"^\(nobody\) +1 ", table, re.MULTILINE)
    assert [one["name"] for one in document["usage"]] == ["k", "other"]


async def test_a_time_is_a_span_or_a_day(gov, cli):
    """
    A day begins with itself; what ended before it is not counted.
    """
    key = await gov.key()
    await gov.spend(key["value"])

    now = await cli.json("usage", "--since", "2001-01-01")
    then = await cli.json("usage", "--until", "2001-01-02", "--since", "2001-01-01")
    wrong = await cli.result("usage", "--since", "lately")

    assert now["since"] == "2001-01-01T00:00:00.000Z"
    assert now["usage"][0]["attempts"] == 1
    assert then["usage"] == []
    assert wrong.exit_code == 2
