from __future__ import annotations

import re


async def test_a_spent_budget_is_raised_at_three_in_the_morning(gov, cli):
    """
    The command that a 402 suggests, for a team of the settings file.
    """
    told = await cli.run(
        *("budgets", "raise", "team/payments", "--by", "200.000000001"),
        *("--for", "8h", "--reason", "incident 7"),
    )

    assert re.fullmatch(
        r"team/payments has 300\.000000001 USD per month until .+ UTC\n", told
    )
    (budget,) = (await gov.get("/teams/payments"))["team"]["budgets"]
    assert budget["overrides"][0]["reason"] == "incident 7"


async def test_one_of_several_budgets_must_be_named(gov, cli):
    """
    Code 2 with those that there are; with --per it is that one.
    """
    await gov.key(
        budgets=[
            {"max_limit": 1, "reset_duration": "1d"},
            {"max_limit": 5, "reset_duration": "1M"},
        ]
    )
    words = ("budgets", "raise", "key/k", "--by", "1", "--for", "1h", "--reason", "x")

    unclear = await cli.run(*words, code=2)
    raised = await cli.json(*words, "--per", "month")
    missing = await cli.run(*words, "--per", "year", code=1)

    assert "--per, day, month" in unclear
    assert raised["budget"]["effective_limit"] == 6.0
    assert "there are day, month" in missing


async def test_budgets_are_listed(gov, cli):
    """
    Of everybody, or of one.
    """
    await gov.key(budgets=[{"max_limit": 5, "reset_duration": "1d"}])

    table = await cli.run("budgets", "list")
    one = await cli.json("budgets", "list", "--owner", "key/k")

    assert re.search(r"^team/payments +month +100\.00 ", table, re.MULTILINE)
    assert [budget["max_limit"] for budget in one["budgets"]] == [5.0]


async def test_an_owner_is_written_with_its_kind(alone, cli):
    """
    Code 2 for what is none, 1 for whom there is not.
    """
    words = ("--by", "1", "--for", "1h", "--reason", "x")

    usage = await alone.run("budgets", "raise", "payments", *words, code=2)
    unknown = await cli.run("budgets", "raise", "team/nobody", *words, code=1)

    assert "team/payments" in usage
    assert "no team" in unknown


async def test_budgets_are_listed_by_the_names_of_their_owners(gov, cli):
    """
    As `budgets raise` takes them.
    """
    await gov.key(name="mine", budgets=[{"max_limit": 1, "reset_duration": "1d"}])

    told = await cli.run("budgets", "list")

    assert "virtual_key/mine " in told
