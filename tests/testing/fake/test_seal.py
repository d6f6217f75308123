"""
Seals on reasoning.
"""

from __future__ import annotations

import pytest

from gateway.testing.fake.seal import Seal


def test_recognises_its_own():
    """
    A seal fits the text that it was made for.
    """
    seal = Seal("me")

    assert seal.recognises(seal.make("thought"), "thought")


def test_without_a_text_only_the_mark_counts():
    """
    A seal whose text was left out is recognised by itself.
    """
    seal = Seal("me")

    assert seal.recognises(seal.make("thought"))


def test_another_text_does_not_fit():
    """
    Edited reasoning is found out.
    """
    seal = Seal("me")

    assert not seal.recognises(seal.make("thought"), "Thought")


def test_another_account_does_not_fit():
    """
    What one account sealed is worth nothing to another.
    """
    assert not Seal("me").recognises(Seal("you").make("thought"))


@pytest.mark.parametrize("wrong", [None, 7, "", "?", "YWJj", "ä"], ids=repr)
def test_anything_else_is_no_seal(wrong):
    """
    Strings from elsewhere, and no strings at all, are refused without a fault.
    """
    assert not Seal("me").recognises(wrong)


def test_is_the_same_every_time():
    """
    Equal texts of one account have equal seals.
    """
    assert Seal("me").make("a") == Seal("me").make("a")
