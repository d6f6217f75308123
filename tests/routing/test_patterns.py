from __future__ import annotations

import pytest

from gateway.routing.patterns import NamePattern


@pytest.mark.parametrize(
    ("pattern", "name", "caught"),
    [
        ("claude-*", "claude-opus-4-5", "opus-4-5"),
        ("*", "anything/at all", "anything/at all"),
        ("*-mini", "gpt-5-mini", "gpt-5"),
        ("gpt-*-mini", "gpt-5-mini", "5"),
        ("gpt-*", "gpt-", ""),
        ("a*a", "aa", ""),
        ("fast", "fast", ""),
    ],
)
def test_a_star_catches_what_it_stands_for(pattern, name, caught):
    """
    The rest of the name is what the pattern says, the star is what is left.
    """
    parsed = NamePattern.parse(pattern)

    assert parsed.matches(name)
    assert parsed.caught(name) == caught


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("claude-*", "claude"),
        ("claude-*", "Claude-opus"),
        ("a*a", "a"),
        ("*-mini", "gpt-5-mini-x"),
        ("fast", "faster"),
        ("fast", ""),
        ("a.c", "abc"),
    ],
)
def test_other_names_do_not_match(pattern, name):
    """
    Nothing but the star stands for anything else, and its two sides do not overlap.
    """
    assert not NamePattern.parse(pattern).matches(name)


def test_what_was_caught_fills_another_pattern():
    """
    A star carries over what it matched; a name without a star takes nothing.
    """
    assert NamePattern.parse("anthropic-*-x").filled("opus") == "anthropic-opus-x"
    assert NamePattern.parse("fixed").filled("opus") == "fixed"


def test_the_pattern_that_says_more_is_more_precise():
    """
    Of patterns that match, the longest is meant, and of those the longest beginning.
    """
    texts = ["gpt-*-mini", "gpt*ini", "*-mini", "gp*", "g*", "*5", "*"]
    patterns = [NamePattern.parse(text) for text in texts]

    patterns.sort(key=lambda pattern: pattern.precision)

    assert [str(pattern) for pattern in patterns] == [
        "*",
        "*5",
        "g*",
        "gp*",
        "*-mini",
        "gpt*ini",
        "gpt-*-mini",
    ]


def test_has_one_star_at_most():
    """
    Two stars could take long to match, and nobody could say what each caught.
    """
    with pytest.raises(ValueError, match="more than one"):
        NamePattern.parse("a*b*")


@pytest.mark.parametrize("text", ["*", "a*", "*a", "a*b", "a"])
def test_is_written_as_it_was_read(text):
    """
    Operators see the pattern that they wrote.
    """
    assert str(NamePattern.parse(text)) == text


def test_tells_the_two_extremes():
    """
    A bare star matches everything, a name without a star only itself.
    """
    assert NamePattern.parse("*").is_any
    assert not NamePattern.parse("a*").is_any
    assert NamePattern.parse("a").is_exact
    assert not NamePattern.parse("a*").is_exact
