"""
What is told of one exchange.
"""

from __future__ import annotations

import pytest

from gateway.detecting import Find, Place
from gateway.testing import make_exchange
from gateway_guardrails.inspecting.notes import MAX_FINDINGS, Notes
from gateway_guardrails.inspecting.verdicts import Hit

PLACE = Place(stage="input", role="user", kind="message")


def taken(rules, counts):
    """
    Note so many hits of each of *rules*.
    """
    notes = Notes(make_exchange())
    for rule, count in zip(rules, counts, strict=True):
        for number in range(count):
            hit = Hit(rule, "mail", Find(number, number + 1, "EMAIL"))
            notes.take(hit, PLACE)
    return notes


@pytest.fixture
def rules(kit):
    """
    One that flags, and one that blocks.
    """
    flags = kit.rule("mail", name="flags", action="flag")
    return flags, kit.rule("mail", name="blocks", action="block")


def test_what_blocks_is_told_behind_any_number_of_others(rules):
    """
    Who writes thousands of what is only flagged does not hide what was refused.
    """
    notes = taken(rules, [MAX_FINDINGS + 500, 1])

    assert [one.guardrail for one in notes.findings][-2:] == ["flags", "blocks"]
    assert len(notes.findings) <= MAX_FINDINGS
    assert len(notes.findings) + notes.untold == MAX_FINDINGS + 501
    assert notes.exchange.trail.findings == notes.findings


def test_what_blocks_is_told_up_to_a_number_as_well(rules):
    """
    However much there is of it.
    """
    notes = taken(rules, [0, MAX_FINDINGS + 3])

    assert len(notes.findings) == MAX_FINDINGS
    assert notes.untold == 3
