"""
The queue of chunks that are held back.
"""

from __future__ import annotations

import pytest

from gateway.errors import Blocked
from gateway.filters import holdback
from gateway.filters.holdback import HoldBack
from gateway.views import Chunk


@pytest.fixture
def hold():
    return HoldBack(None, "refuse")


def test_weighs_what_waits(kit, hold):
    """
    The weight is that of the chunks in the queue, eight for each and its characters.
    """
    for frame in kit.ToyStream().delta("abc").event().frames:
        hold.take(Chunk(kit.TOY, frame))

    assert hold.weight == 8 + 3 + 8


def test_releases_decided_chunks_only(kit, hold):
    """
    A chunk whose text is undecided holds those behind it, until it is decided.
    """
    chunks = [Chunk(kit.TOY, f) for f in kit.ToyStream().delta("abc").event().frames]
    for chunk in chunks:
        hold.take(chunk)

    before = hold.release()
    (lane,) = hold.touched
    lane.window(3)
    lane.settle([], 3, 0)

    assert before == []
    assert hold.release() == chunks
    assert hold.weight == 0


def test_lanes_are_bounded(kit, hold, monkeypatch):
    """
    A stream that opens ever more lanes is refused.
    """
    monkeypatch.setattr(holdback, "_MAX_LANES", 3)
    frames = [kit.ToyStream().delta("a", (n,)).frames[0] for n in range(4)]

    for frame in frames[:3]:
        hold.take(Chunk(kit.TOY, frame))

    with pytest.raises(Blocked, match="more parts"):
        hold.take(Chunk(kit.TOY, frames[3]))


def test_remembers_which_lanes_are_to_be_judged(kit, hold):
    """
    Lanes that grew, ended, or are complete in themselves are touched; others are not.
    """
    stream = (
        kit.ToyStream().delta("a", (0, 1)).delta("b", (1, 1)).end(0).whole("c", ("w",))
    )

    for frame in stream.frames:
        hold.take(Chunk(kit.TOY, frame))

    assert [(lane.key, lane.stops, lane.is_open) for lane in hold.touched] == [
        ((0, 1), [1], False),
        ((1, 1), [], True),
        (("w",), [1], False),
    ]
