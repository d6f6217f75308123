"""
In what questions differ that makes them two.
"""

from __future__ import annotations

import pytest

from gateway_caching.semantic.wording import disagreement, read_wording


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("Is it 5?", "Is it 6?", "what must be the same"),
        ("Is it my dog?", "Is it your dog?", "persons"),
        ("Is it Ann's?", "Is it Bob's?", "names"),
        ("Did Ann call Bob?", "Did Bob call Ann?", "names"),
        ("Paris weather", "weather in London", "names"),
        ("holidays in the US", "the holidays give us", "names"),
        ("does a dog bite a cat", "does a cat bite a dog", "order"),
        ("is it usual", "is it unusual", "opposites"),
        ("boil an egg", "fry an egg", "words"),
        ("restart the server box", "restart the server test box", "words"),
        ("what is rain", "what is snow", "words"),
    ],
)
def test_differences_are_told(one, other, why):
    """
    By their kind.
    """
    assert disagreement(read_wording(one), read_wording(other)) == why


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is the capital of France?", "capital of france, please"),
        ("Reset it for Ann", "please reset it for ann"),
        ("my dog barks", "the dog barks"),
        (
            "engine of lorry rattles noisily uphill",
            "vehicle clanking motor climbing slope",
        ),
    ],
)
def test_what_is_the_same_or_nothing_like_it_is_for_the_vectors_to_tell(one, other):
    """
    The words stand in the way of what they can judge alone.
    """
    assert disagreement(read_wording(one), read_wording(other)) is None
