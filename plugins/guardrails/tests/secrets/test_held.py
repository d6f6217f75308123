"""
Credentials that callers are let in by, whatever form somebody chose for them.
"""

from __future__ import annotations

import attrs
import pytest
from cutting import assert_cut_invariant

from gateway.detecting import DetectorTools
from gateway.secrets import Secrets
from gateway.settings import Settings
from gateway.testing import ManualClock
from gateway_guardrails.secrets import SECRETS, SecretsOptions

from .conftest import PLACE, found_in

KEY = "ours-since-the-migration-1234"
PADDED = "b3Vycy+zaW5jZS90aGU=="
LONGEST = "k" * 511 + "7"
KNOWN = frozenset({KEY, PADDED, LONGEST, "sixteen-letters-"})
TOOLS = DetectorTools(
    settings=Settings(),
    secrets=Secrets({}),
    clock=ManualClock(),
    knows_credential=KNOWN.__contains__,
)


@pytest.fixture
def detector():
    """
    A detector in a gateway that lets in whoever has one of some values.
    """
    return SECRETS.make(SecretsOptions(names=False), TOOLS)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (KEY, KEY),
        (f"I use {KEY}.", KEY),
        (f'{{"key":"{KEY}"}}', KEY),
        (f"key={KEY}&x=1", KEY),
        (f"https://gw.example/{KEY}/v1", KEY),
        (f"Bearer:{KEY}, or so", KEY),
        (f"{KEY}\n{KEY[:-1]}", KEY),
        (f"schlüssel{KEY}", None),
        (f"é{KEY}é", KEY),
        (PADDED, PADDED),
        (f"key={PADDED} ok", PADDED),
        (LONGEST, LONGEST),
        ("sixteen-letters-", "sixteen-letters-"),
        (f"k{LONGEST}", None),
        (f"{KEY}5", None),
        (KEY.upper(), None),
        ("nobody-knows-this-one-12345", None),
    ],
)
def test_finds_what_is_known_exactly(detector, text, value):
    """
    As a whole, behind a name, and between separators; nothing that is only like it.
    """
    found = found_in(detector, text)

    assert found == ([] if value is None else [("gateway_virtual_key", value)])


@pytest.mark.parametrize(
    "text",
    [
        f"use {KEY}, not {KEY}x. key={PADDED}",
        f"{'x' * 600}={KEY} {'/y' * 300}/{KEY}/{'z' * 40}",
        f"a={LONGEST}=",
    ],
    ids=["near", "long", "longest"],
)
def test_cutting_does_not_matter(detector, text):
    """
    Wherever a stream cuts it.
    """
    assert_cut_invariant(detector, text, rounds=4)


def test_is_asked_of_what_may_be_one_alone():
    """
    Ordinary words cost no question, and neither does what is too long.
    """
    asked = []

    def knows(told: str) -> bool:
        asked.append(told)
        return False

    tools = attrs.evolve(TOOLS, knows_credential=knows)
    detector = SECRETS.make(SecretsOptions(names=False), tools)
    asked.clear()

    detector.find(f"Hello, how are you? {'9' * 513} {KEY}", 0, final=True, place=PLACE)

    assert asked == [KEY]


def test_can_be_turned_off():
    """
    With all that is the gateway's own.
    """
    detector = SECRETS.make(SecretsOptions(own=False), TOOLS)

    assert found_in(detector, f"use {KEY}.") == []
