"""
One running text and its ledger.
"""

from __future__ import annotations

import pytest

from gateway.filters.edits import Edit
from gateway.filters.lanes import RunningText
from gateway.testing import make_chunk
from gateway.views import Text


@pytest.fixture
def lane():
    chunk = make_chunk(b"data: {}\n\n")
    return RunningText(Text(chunk, {}, "text", "message", "assistant", (0,), "delta"))


def test_keeps_some_context(lane):
    """
    What was decided goes, but for the context that was asked for.
    """
    lane.take("abcdef")
    lane.window(6)

    lane.settle([], 4, 2)

    assert lane.window(6) == ("cdef", 2)
    assert lane.safe == 4


def test_positions_count_from_the_first_character(lane):
    """
    Edits found behind what has gone stand in the ledger by their place in the whole text.
    """
    lane.take("abcdef")
    lane.window(6)
    lane.settle([], 6, 1)
    lane.take("ghi")
    lane.window(9)

    lane.settle([Edit(2, 3, "H")], 4, 1)

    assert lane.edits == [Edit(7, 8, "H")]
    assert lane.repeated("abcdefghi") == "abcdefgHi"


def test_shows_the_text_up_to_a_stop(lane):
    """
    What came behind an end is not shown with what came before it.
    """
    lane.take("abc")
    lane.finish()
    lane.take("def")

    assert lane.window(lane.stops[0]) == ("abc", 0)


def test_finishes_once(lane):
    """
    A lane that ends twice with nothing between has one stop, and with nothing at all none.
    """
    lane.finish()
    lane.take("abc")
    lane.finish()
    lane.finish()

    assert lane.stops == [3]


def test_puts_an_edit_where_it_begins(lane):
    """
    The new text goes to the piece where the edit begins, and the pieces after it lose theirs.
    """
    for piece in ("ab", "cd", "", "ef"):
        lane.take(piece)
    lane.window(6)
    lane.settle([Edit(1, 5, "#")], 6, 1)

    pieces = [
        lane.rewritten(*piece) for piece in (("ab", 0), ("cd", 2), ("", 4), ("ef", 4))
    ]

    assert pieces == ["a#", "", "", "f"]
    assert not lane.has_edits_left()


@pytest.mark.parametrize("pieces", [1, 63, 64, 200])
def test_knows_its_text_again(lane, pieces):
    """
    However many pieces there were, the same text is known and any other one is not.
    """
    for number in range(pieces):
        lane.take(f"{number} \ud800")
        lane.window(lane.end)
    text = "".join(f"{number} \ud800" for number in range(pieces))

    assert lane.says(text)
    assert lane.says(text)
    assert not lane.says(text[:-2] + "xx")
    assert not lane.says(text + "x")
