"""
What judges say, as hits.
"""

from __future__ import annotations

import pytest

from gateway.detecting import Find, Opinion
from gateway_guardrails.inspecting.asking import Verdict
from gateway_guardrails.inspecting.opinions import changed_parts, hits_in, unplaced
from gateway_guardrails.inspecting.plan import Plan


@pytest.fixture
def verdict(kit):
    """
    Make the verdict of a judge who says something to a guardrail.
    """

    def made(opinion, **rest):
        guardrail = kit.rule(judges=[kit.SmallJudge(kit.JudgeOptions())], **rest)
        (asking,) = Plan.of([guardrail], "input").askings
        return Verdict(asking=asking, opinion=opinion)

    return made


@pytest.mark.parametrize(
    ("masked", "found"),
    [
        ("call {PHONE} or {NAME} now", ["555 1234", "Jane"]),
        ("call 555 1234 or {NAME} now", ["Jane"]),
        ("{ALL}", ["call 555 1234 or Jane now"]),
        ("call 555 1234 or Jane Doe now", ["n"]),
        ("", ["call 555 1234 or Jane now"]),
    ],
)
def test_what_a_service_masked_is_found_again(masked, found):
    """
    Where a service says its mask without places, what is missing from the text is redacted.
    """
    value = "call 555 1234 or Jane now"

    parts = changed_parts(value, masked)

    assert [value[start:end] for start, end in parts] == found


def test_what_is_left_is_in_the_mask(rng):
    """
    Whatever was masked, no word is left that the service took out.
    """
    words = ["jane", "doe", "555", "-", " ", "at", "x"]
    for _ in range(300):
        value = "".join(rng.choice(words) for _ in range(30))
        gone = rng.choice(words[:3])
        parts = changed_parts(value, value.replace(gone, "#"))
        left, at = "", 0
        for start, end in parts if gone in value else ():
            left += value[at:start] + "\n"
            at = end
        assert gone not in left + value[at:]


def test_a_no_without_a_place(verdict):
    """
    Where a service says no and not where, the no concerns all of it.
    """
    (hit,) = unplaced(verdict(Opinion(is_blocked=True), action="block"))

    assert (hit.find.start, hit.find.end) == (0, 0)
    assert hit.find.type == "blocked"


def test_a_no_with_places_is_met_by_taking_them_out(verdict):
    """
    A guardrail that redacts does so where the service says what it minds.
    """
    opinion = Opinion(finds=[[Find(0, 2, "NAME")]], is_blocked=True)

    assert unplaced(verdict(opinion, action="redact")) == []
    assert [hit.find for (hit,) in hits_in(verdict(opinion), ["ab"])] == [
        Find(0, 2, "NAME")
    ]


@pytest.mark.parametrize("action", ["block", "redact"])
def test_a_no_with_places_that_do_not_count_is_a_no(verdict, action):
    """
    What the guardrail would not take out leaves nothing but the no.
    """
    opinion = Opinion(finds=[[Find(0, 2, "NAME", "low")]], is_blocked=True)

    (hit,) = unplaced(verdict(opinion, action=action, least_severity="medium"))

    assert (hit.find.type, hit.find.severity) == ("NAME", "high")


def test_what_is_not_severe_enough(verdict):
    """
    Finds below the guardrail's severity or score count for nothing.
    """
    finds = [Find(0, 1, "A", "low"), Find(1, 2, "B", "high", 0.4)]
    told = verdict(Opinion(finds=[finds]), least_severity="medium", threshold=0.5)

    assert hits_in(told, ["ab"]) == [[]]
