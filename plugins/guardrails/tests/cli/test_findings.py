from __future__ import annotations

import pytest

from gateway import Finding, Identity, Phase, Plugin
from gateway.testing import make_exchange
from gateway_guardrails.api.queries import COLUMNS
from gateway_guardrails.cli.findings import findings


class KnowsNobody(Plugin):
    """
    Knows that there are no callers.
    """

    phase = Phase.IDENTIFY

    def find_caller(self, kind, name):
        return ""


@pytest.fixture(autouse=True)
async def _found(guarded):
    for number in range(3):
        finding = Finding(
            guardrail="canaries",
            detector="word",
            type=f"T{number}",
            severity="high",
            action="block",
            stage="input",
            is_shadow=number == 2,
        )
        identity = Identity(key_id="vk_1", customer_id=f"c_{number}")
        exchange = make_exchange(identity=identity)
        guarded.warden.recorder.record(exchange, [finding], 1)


async def test_findings_are_listed_the_latest_first(cli):
    """
    In columns.
    """
    told = await cli.run("findings")

    types = [line.split()[4] for line in told.splitlines()[1:]]
    assert types == ["T2", "T1", "T0"]


async def test_filters_and_limits_narrow_it(cli):
    """
    A span of time is counted from now.
    """
    of_type = await cli.json("findings", "--type", "T1", "--since", "1h")
    two = await cli.json("findings", "--limit", "2")
    none = await cli.run("findings", "--key", "vk_2")

    assert [each["type"] for each in of_type["findings"]] == ["T1"]
    assert (len(two["findings"]), two["cursor"] is not None) == (2, True)
    assert none == "none\n"


def test_it_is_narrowed_by_all_that_the_api_narrows_by():
    """
    What can be asked for there can be asked for here.
    """
    options = {option.name.rstrip("_") for option in findings.params}

    assert {*COLUMNS, "since", "until", "shadow"} <= options


@pytest.mark.parametrize(
    ("asked", "types"),
    [
        (["--customer", "c_1"], ["T1"]),
        (["--shadow"], ["T2"]),
        (["--no-shadow"], ["T1", "T0"]),
    ],
    ids=["customer", "shadow", "no shadow"],
)
async def test_whose_and_of_which_rules(cli, asked, types):
    """
    A customer's, those of rules in shadow, and those that were acted on.
    """
    told = await cli.json("findings", *asked)

    assert [each["type"] for each in told["findings"]] == types


class TestNobody:
    @pytest.fixture
    async def guarded(self, guards):
        async with guards(plugins=[KnowsNobody]) as found:
            yield found

    async def test_a_name_that_is_nobodys_is_no_empty_list(self, cli):
        """
        A slip does not look as if nothing had been found; who is gone still has findings.
        """
        slip = await cli.run("findings", "--team", "paymnets", code=1)
        gone = await cli.run("findings", "--key", "vk_1", "--quiet")

        assert slip == "error: no team is called paymnets\n"
        assert gone == ""


async def test_pages_are_put_together(cli, monkeypatch):
    """
    A long list is asked for a page at a time.
    """
    monkeypatch.setattr("gateway_guardrails.cli.findings._PAGE", 2)

    told = await cli.json("findings")

    assert [each["type"] for each in told["findings"]] == ["T2", "T1", "T0"]


async def test_a_time_that_is_none_is_refused(cli):
    """
    By the gateway.
    """
    assert "must be a time" in await cli.run("findings", "--since", "soon", code=1)
