from __future__ import annotations

import pytest

from gateway_governance.names import Names


@pytest.mark.parametrize(
    ("texts", "covered", "others"),
    [
        (("gpt-5",), ["gpt-5"], ["gpt-5-mini", "GPT-5", ""]),
        (("gpt-*",), ["gpt-", "gpt-5"], ["o1", "xgpt-5"]),
        (("*-mini", "o1"), ["gpt-mini", "o1"], ["mini", "o1-x"]),
        (("a*a",), ["aa", "aba"], ["a", "ab"]),
        (("*",), ["", "anything/at all"], []),
        ((), [], ["", "gpt-5", "*"]),
    ],
    ids=["name", "prefix", "suffix", "both", "all", "none"],
)
def test_a_star_stands_for_anything_and_nothing_for_nothing(texts, covered, others):
    """
    A list covers its names, what its patterns say, and not one name more.
    """
    names = Names(texts)

    assert [name for name in covered if not names.covers(name)] == []
    assert [name for name in others if names.covers(name)] == []


def test_lists_that_forbid_fold_case_and_blanks():
    """
    What one provider takes for the same model is not let through by its spelling.
    """
    names = Names(("GPT-5", "o1-*"), folds_case=True)

    assert all(names.covers(name) for name in ("gpt-5", "Gpt-5 ", "O1-PRO", "\to1-x"))


def test_a_star_spells_nothing_out():
    """
    Only names that were written count as named.
    """
    names = Names(("gpt-5", "o*", "*"))

    spelled = [names.spells_out(name) for name in ("gpt-5", "o1", "*")]

    assert spelled == [True, False, False]


@pytest.mark.parametrize("text", ["", "a*b*", "**"])
def test_what_is_no_name_is_refused(text):
    """
    One star at most: callers choose what is matched.
    """
    with pytest.raises(ValueError, match=r"empty|more than one"):
        Names((text,))
