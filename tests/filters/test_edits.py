"""
Edits, texts and offsets.
"""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.filters.edits import Edit, decided, merged, shifted, splice

EDITS = [Edit(2, 4, "XYZ"), Edit(6, 9, "")]


class TestSplice:
    def test_replaces_parts(self):
        """
        Each edit's characters give way to its text.
        """
        assert splice("0123456789", EDITS) == "01XYZ459"

    @given(st.text(max_size=12), st.data())
    def test_pieces_give_what_the_whole_gives(self, text, data):
        """
        A text spliced piece by piece is the text spliced in one go.
        """
        ends = st.integers(0, len(text))
        places = sorted(data.draw(st.sets(ends)))
        edits = [
            Edit(a, b, f"<{a}>")
            for a, b in zip(places[::2], places[1::2], strict=False)
        ]
        cuts = [0, *sorted(data.draw(st.lists(ends, max_size=4))), len(text)]

        parts = [
            splice(text[a:b], [e for e in edits if e.start < b and e.end > a], a)
            for a, b in pairwise(cuts)
        ]

        assert "".join(parts) == splice(text, edits)


class TestShifted:
    @pytest.mark.parametrize(
        ("position", "start", "end"),
        [(0, 0, 0), (2, 2, 2), (3, 2, 5), (4, 5, 5), (5, 6, 6), (7, 7, 7), (9, 7, 7)],
    )
    def test_moves_with_the_text(self, position, start, end):
        """
        A place moves by what was edited left of it; inside an edit it goes to its edge.
        """
        assert shifted(position, EDITS, is_end=False) == start
        assert shifted(position, EDITS, is_end=True) == end


class TestDecided:
    def test_stops_at_an_edit_that_reaches_behind_safe(self):
        """
        What is not decided is left out, and moves *safe* in front of it.
        """
        assert decided(EDITS, 0, 7, 10) == (EDITS[:1], 6)

    def test_keeps_safe_where_edits_lie_wholly_behind_it(self):
        """
        An edit that is undecided from its first character on changes nothing.
        """
        assert decided(EDITS, 0, 5, 10) == (EDITS[:1], 5)

    def test_takes_any_iterable(self):
        """
        Edits may come from a generator.
        """
        assert decided(iter(EDITS), 0, 10, 10) == (EDITS, 10)


class TestMerged:
    def test_covers_what_overlapping_edits_cover(self):
        """
        Edits that overlap become one that leaves nothing of either, with the widest one's text.
        """
        edits = [Edit(5, 6, "c"), Edit(0, 2, "a"), Edit(1, 5, "b"), Edit(7, 9, "d")]

        assert merged(edits) == [Edit(0, 5, "b"), Edit(5, 6, "c"), Edit(7, 9, "d")]
