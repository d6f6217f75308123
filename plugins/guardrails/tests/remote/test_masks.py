"""
Places of what a service has masked.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_guardrails.remote.masks import align

WORDS = {"NAME": ["Al", "Alma"], "AGE": ["5"]}


@pytest.mark.parametrize(
    ("text", "copy", "found"),
    [
        ("Also Al is 5", "Also {NAME} is {AGE}", ["Al", "5"]),
        ("Alma, 15", "{NAME}, 15", ["Alma"]),
        ("{NAME} is Al", "{NAME} is {NAME}", ["Al"]),
        ("{OTHER} is Al", "{OTHER} is {NAME}", ["Al"]),
        ("AlAl", "{NAME}{NAME}", ["Al", "Al"]),
        ("nobody", "nobody", []),
        ("", "", []),
    ],
)
def test_finds_what_a_placeholder_stands_for(text, copy, found):
    """
    What stands between placeholders tells the place, not the word alone.
    """
    places = align(text, copy, WORDS)

    assert places is not None
    assert [text[place.start : place.end] for place in places] == found


@pytest.mark.parametrize(
    ("text", "copy"),
    [
        ("I am Al", "i am {NAME}"),
        ("I am Al.", "I am {NAME}"),
        ("I am Bo", "I am {NAME}"),
        ("", "{NAME}"),
    ],
)
def test_another_copy_tells_no_places(text, copy):
    """
    Then nothing is guessed.
    """
    assert align(text, copy, WORDS) is None


@given(
    st.lists(st.sampled_from(["Al", "Alma", "5", " ", "x", "{", "}", "é"]), max_size=20)
)
def test_a_copy_is_what_putting_masks_in_place_makes(pieces):
    """
    Whatever was masked: the places that are told make the copy again.
    """
    names = {"Al": "NAME", "Alma": "NAME", "5": "AGE"}
    text = "".join(pieces)
    copy = "".join(f"{{{names[one]}}}" if one in names else one for one in pieces)

    places = align(text, copy, WORDS)

    if places is None:
        assert set(pieces) & {"{", "}"}  # braces of the text itself
        return
    for place in reversed(places):
        text = f"{text[: place.start]}{{{place.name}}}{text[place.end :]}"
    assert text == copy
