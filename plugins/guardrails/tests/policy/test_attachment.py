"""
Whom a rule is attached to: names that nobody bears are told of, wherever a rule is looked at.
"""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from gateway import Phase, Plugin
from gateway_guardrails.policy.attachment import Attachment, attachment_of
from gateway_guardrails.policy.guardrail import Scope

KNOWN = {("team", "payments"), ("customer", "acme"), ("virtual_key", "ci")}


class Known(Plugin):
    """
    Knows some callers, and that there are no others.
    """

    phase = Phase.IDENTIFY

    def find_caller(self, kind, name):
        return name if (kind, name) in KNOWN else ""


def scope(**names):
    return Scope(**{table: frozenset(told) for table, told in names.items()})


@pytest.mark.parametrize(
    ("names", "strangers", "is_nobody"),
    [
        ({}, (), False),
        ({"teams": ["payments"], "customers": ["acme"]}, (), False),
        ({"virtual_keys": ["ci"], "providers": ["openai"]}, (), False),
        ({"teams": ["paymnets"]}, ("no team is called paymnets",), True),
        ({"customers": ["payments"]}, ("no customer is called payments",), True),
        ({"virtual_keys": ["x"]}, ("no virtual key is called x",), True),
        ({"providers": ["opnai"]}, ("no provider is called opnai",), True),
        (
            {"teams": ["x", "payments"], "providers": ["y"]},
            ("no team is called x", "no provider is called y"),
            False,
        ),
        ({"teams": ["x"], "models": ["gtp-5"]}, ("no team is called x",), False),
    ],
)
async def test_names_that_nobody_bears(guards, names, strangers, is_nobody):
    """
    Each is told of; all of them together are nobody, unless there may be such a model.
    """
    async with guards(plugins=[Known]) as guarded:
        found = attachment_of(scope(**names), guarded.gateway)

    assert found == Attachment(strangers=strangers, is_nobody=is_nobody)


async def test_who_cannot_be_known_is_taken_to_be_there(guards):
    """
    Where no plugin tells callers apart.
    """
    async with guards() as guarded:
        found = attachment_of(scope(teams=["paymnets"]), guarded.gateway)

    assert found == Attachment()


class TestTelling:
    @pytest.mark.parametrize("team", ["payments", "paymnets"])
    async def test_rules_that_are_stored(self, guards, team):
        """
        They are taken, for the team may come, and the answer says that there is none.
        """
        rule = {"mandatory": True, "action": "block", "applies_to": {"teams": [team]}}
        async with guards(plugins=[Known]) as guarded:
            created = await guarded.create("pay", **rule)
            told = {"rule": {"detectors": ["word"], **rule}}
            changed = await guarded.ask("PUT", "/rules/pay", told)
            cells = (await guarded.get("/coverage"))["coverage"]

        is_nobody = team == "paymnets"
        warnings = ["no team is called paymnets"] if is_nobody else []
        assert created["warnings"] == changed["warnings"] == warnings
        states = {cell["state"] for cell in cells} - {"nothing"}
        assert states == {"nobody" if is_nobody else "enforced"}
        assert all(cell["strangers"] == warnings for cell in cells)

    async def test_rules_of_the_file(self, guards):
        """
        The start tells of them in the log, and goes on: somebody may have removed the team.
        """
        attached = {"applies_to": {"teams": ["paymnets"]}}
        rule = {"detectors": ["word"], "action": "block"}
        with capture_logs() as logs:
            async with guards(
                {"rules": {"pay": {**rule, **attached}, "all": rule}}, plugins=[Known]
            ):
                pass

        (line,) = [line for line in logs if "nobody bears" in line["event"]]
        assert line["log_level"] == "warning"
        assert (line["guardrail"], line["is_nobody"]) == ("pay", True)
        assert line["why"] == "no team is called paymnets"
