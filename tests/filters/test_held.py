"""
One chunk whose texts are being decided.
"""

from __future__ import annotations

import pytest

from gateway.errors import Blocked
from gateway.filters.edits import Edit
from gateway.filters.held import Held
from gateway.filters.lanes import RunningText
from gateway.views import Chunk


@pytest.fixture
def chunk(kit):
    boxes = [{"text": "abcdef", "form": "delta", "lane": kit.LANE}]
    spans = [{"lane": kit.LANE, "start": 4, "end": 6}]
    frames = kit.ToyStream().event(texts=boxes, spans=spans).frames
    return Chunk(kit.TOY, frames[0])


@pytest.fixture
def lane(chunk):
    lane = RunningText(chunk.texts()[0])
    lane.take("abcdef")
    lane.window(6)
    return lane


@pytest.fixture
def held(kit, chunk, lane):
    held = Held(chunk)
    held.segments.append((chunk.texts()[0], lane, 0, 6))
    held.bind(chunk.spans(), {kit.LANE: lane})
    return held


def test_is_decided_with_its_text(held, lane):
    """
    A chunk is decided when the last character of its text is.
    """
    lane.settle([], 5, 1)
    assert not held.is_decided()

    lane.settle([], 2, 1)
    assert held.is_decided()


def test_edits_text_and_offsets(held, lane, chunk):
    """
    The text is edited in place, the offsets behind the edit move, and the chunk is dirty.
    """
    lane.settle([Edit(0, 2, "#")], 6, 1)

    held.edit("refuse")

    assert chunk.texts()[0].value == "#cdef"
    assert [(span.box["start"], span.box["end"]) for span in chunk.spans()] == [(3, 5)]
    assert chunk.is_dirty


def test_offsets_alone_make_a_chunk_dirty(kit, lane):
    """
    A chunk that carries nothing but offsets is written anew when they move.
    """
    chunk = Chunk(kit.TOY, kit.ToyStream().span(4, 6).frames[0])
    held = Held(chunk)
    held.bind(chunk.spans(), {kit.LANE: lane})
    lane.settle([Edit(0, 2, "#")], 6, 1)

    held.edit("refuse")

    assert b'"start":3' in chunk.encode()


def test_offsets_into_unknown_lanes_are_not_bound(held, chunk):
    """
    What counts in a text that nobody looks at is left alone.
    """
    held.bind(chunk.spans(), {})

    assert held.spans == []


@pytest.mark.parametrize("on_sealed", ["refuse", "skip"])
def test_leaves_sealed_text(held, lane, chunk, on_sealed):
    """
    A text whose signature nobody knew of before is refused, or left as it is.
    """
    chunk.texts()[0].sealed = True
    lane.settle([Edit(0, 2, "#")], 6, 1)

    if on_sealed == "refuse":
        with pytest.raises(Blocked):
            held.edit(on_sealed)
    else:
        held.edit(on_sealed)

    assert chunk.texts()[0].value == "abcdef"
