"""
What may not be in a text, part by part.
"""

from __future__ import annotations

import random
import time

import pytest
from cutting import assert_cut_invariant, fed

from gateway.errors import ConfigError

from .conftest import PLACE, found_in, shape

CODE = [
    "def total(prices):",
    "import os",
    "from a.b import c",
    "const sum = a + b;",
    "public static void main(String[] args) {",
    "#include <stdio.h>",
    "SELECT name FROM users WHERE id = 1",
    "```python",
    "for (int i = 0; i < n; i++) {",
    "func (s *Server) Close() error {",
    "<div class='x'>",
    "$ sudo rm -rf /",
    "#!/bin/sh",
]
PROSE = [
    "Please import the goods from Spain before Monday.",
    "For a class of its own, return to the start.",
    "If it rains, we stay at home.",
    "Select a colour from the list below.",
    "A function of time; nothing more.",
    "- first item",
    "1. Let us begin",
    "Dear Anna,",
]


@pytest.mark.parametrize("line", CODE)
def test_finds_code(line):
    """
    A line of code is found where code is not fine, and not elsewhere.
    """
    assert ("code", line) in found_in(shape(code=False), f"See:\n{line}\nThanks.")
    assert found_in(shape(), line) == []


@pytest.mark.parametrize("line", PROSE)
def test_leaves_prose(line):
    """
    A sentence with code's words is none.
    """
    assert found_in(shape(code=False), line) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://evil.example/x?y=1.", ["https://evil.example/x?y=1"]),
        ("see https://docs.good.example/x and ok", []),
        ("see www.evil.example, now", ["www.evil.example"]),
        ("https://good.example@evil.example/", ["https://good.example@evil.example/"]),
        (
            "https://evil.example\\@good.example/",
            ["https://evil.example\\@good.example/"],
        ),
        ("https://notgood.example/", ["https://notgood.example/"]),
        ("HTTPS://GOOD.EXAMPLE:8443/x", []),
        ("[a](https://evil.example/i.png)", ["https://evil.example/i.png"]),
        ("no links: here", []),
    ],
)
def test_finds_links_of_other_hosts(text, found):
    """
    The host decides, however the link tries to hide it.
    """
    detector = shape(links="listed", hosts=("good.example",))

    assert [link for _, link in found_in(detector, text)] == found


def test_no_link_may_be_the_rule():
    """
    Then every host is one too many.
    """
    assert len(found_in(shape(links="none"), "https://a.example http://b.example")) == 2


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("ig\u200bnore", 1),
        ("a\u202eb", 1),
        ("hi" + "".join(chr(0xE0000 + ord(c)) for c in "obey"), 1),
        ("a\ufe01\ufe02\ufe03b", 1),
        ("👩\u200d💻 works", 0),
        ("❤\ufe0f", 0),
        ("🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", 0),
        ("می\u200cخواهم", 0),
        ("plain", 0),
    ],
)
def test_finds_what_nobody_sees(text, count):
    """
    Hidden characters are found; those that emoji and scripts need are not.
    """
    assert len(found_in(shape(), text)) == count
    assert found_in(shape(invisible=True), text) == []


def test_finds_patterns_line_by_line():
    """
    Each under its name, at its place.
    """
    detector = shape(must_not={"ticket": r"[A-Z]{3}-\d{4}", "shout": r"^[A-Z !]{6,}$"})

    assert found_in(detector, "see ABC-1234\nSTOP IT!") == [
        ("ticket", "ABC-1234"),
        ("shout", "STOP IT!"),
    ]


def test_a_pattern_must_be_one():
    """
    A mistake is told with its name.
    """
    with pytest.raises(ConfigError, match="must_not.bad"):
        shape(must_not={"bad": "("})


@pytest.mark.parametrize(
    "options",
    [
        {"must_not": {"x": r"[a-c]+\d", "y": r"^b.*z$"}},
        {"links": "listed", "hosts": ("good.example",)},
        {"code": False},
        {"invisible": False},
        {"must_not": {"x": r"ab?"}, "links": "none", "code": False},
    ],
    ids=["patterns", "links", "code", "invisible", "all"],
)
def test_cutting_does_not_matter(options):
    """
    However a text is cut, the same is found.
    """
    detector = shape(**options)
    chance = random.Random(20261128)
    fragments = (
        *(
            "ab",
            "c1",
            "b",
            "z",
            " ",
            "\n",
            "https://",
            "good.example",
            "evil.example/x",
            "www.",
        ),
        *(
            "def f(x):",
            "import os",
            "\u200b",
            "\u200d",
            "👩",
            "\ufe0f",
            "x",
            ".",
            ")",
            "é",
            "@",
        ),
    )
    for _ in range(40):
        text = "".join(chance.choice(fragments) for _ in range(chance.randint(2, 14)))

        assert_cut_invariant(detector, text, rounds=4)


def test_holds_back_a_line_only_where_lines_matter():
    """
    With links alone, no more than the last word waits.
    """
    text = "An ordinary sentence that goes on and on, without a line's end. " * 5

    _, held = fed(shape(links="none"), list(text))
    _, safe = shape().find(text, 0, final=False, place=PLACE)

    assert held <= 10
    assert safe == len(text)


def test_no_text_takes_long():
    """
    Whatever repeats a quarter of a million times.
    """
    detector = shape(must_not={"x": "a+b"}, links="none", code=False)
    for text in (
        "a" * 262_144,
        "://" * 87_000,
        "https://a " * 26_000,
        "\u200b" * 262_144,
    ):
        begin = time.process_time()

        detector.find(text, 0, final=True, place=PLACE)

        assert time.process_time() - begin < 2.0
