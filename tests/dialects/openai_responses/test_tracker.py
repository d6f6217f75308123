"""
What of a stream was sent, found by byte tests.
"""

from __future__ import annotations

import json

import pytest

from gateway.dialects.openai_responses import tracker as module
from gateway.dialects.openai_responses.tracker import Tracker, event_of


def delta(text, number=0, at=0, name="output_text", **style):
    event = {
        "type": f"response.{name}.delta",
        "item_id": "msg_1",
        "output_index": at,
        "content_index": number,
        "delta": text,
        "sequence_number": 1,
    }
    return b"data: %b\n\n" % json.dumps(event, **style).encode()


def tracked(kit, *frames):
    tracker = Tracker(kit.request(input="x"))
    for frame in frames:
        tracker.note(frame)
    return tracker


@pytest.mark.parametrize(
    "style",
    [
        {},
        {"separators": (",", ":")},
        {"ensure_ascii": False},
        {"indent": None, "sort_keys": True},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "pieces",
    [
        ["He", "llo"],
        ['a "quoted', '" word\\', "\\"],
        ['"', "\\", '\\"', "\n\u2028\u0085"],
        ["\U0001f327", "", "ä"],
        ['"delta":"x"', '{"output_index":5}'],
    ],
    ids=str,
)
def test_text_is_what_was_said(kit, pieces, style):
    """
    However a server spells its JSON, the words are kept exactly.
    """
    tracker = tracked(kit, *(delta(piece, **style) for piece in pieces))

    assert [said.text for said in tracker.said] == ["".join(pieces)]


def test_halves_of_a_character_join(kit):
    """
    A character that two events share is whole in the text.
    """
    halves = [delta("x").replace(b'"x"', half) for half in (b'"\\ud83c"', b'"\\udf27"')]

    (said,) = tracked(kit, *halves).said

    assert said.text == "\U0001f327"


def test_texts_that_alternate_stay_apart(kit):
    """
    Two texts whose deltas come in turns are two texts, those of parts 1 and 11 too.
    """
    tracker = tracked(
        kit,
        delta("a", 1),
        delta("x", 11),
        delta("b", 1),
        delta("y", 11),
        delta("z", 1, at=1),
        delta("r", 1, name="refusal"),
    )

    assert {(said.at, said.number, said.name): said.text for said in tracker.said} == {
        (0, 1, b"output_text"): "ab",
        (0, 11, b"output_text"): "xy",
        (1, 1, b"output_text"): "z",
        (0, 1, b"refusal"): "r",
    }


def test_what_is_done_is_let_go(kit):
    """
    Once an item is done its texts are kept once, in its last event.
    """
    frames = [kit.frame(event) for event in kit.events()[:-1]]

    tracker = tracked(kit, *frames)

    assert sorted(tracker.done) == list(
        range(len(kit.events()[-1]["response"]["output"]))
    )
    assert tracker.added == {}
    assert tracker.said == []
    assert event_of(tracker.created)["type"] == "response.created"


def test_comments_are_not_events(kit):
    """
    A keep-alive is not the last thing that was said.
    """
    last = delta("x")

    assert tracked(kit, last, b": ping\n\n").last == last


def test_memory_has_an_end(kit, monkeypatch):
    """
    Of an endless answer not all is kept, and what is cut off is known to be.
    """
    monkeypatch.setattr(module, "_ROOM", 1000)

    tracker = tracked(kit, *[delta("x" * 100)] * 50)

    assert len(tracker.said[0].source) <= 1000
    assert not tracker.said[0].is_whole


@pytest.mark.parametrize(
    "frame", [b"data: {\n\n", b"data: [1]\n\n", b"", b"data: \xff\n\n"]
)
def test_broken_frames_say_nothing(kit, frame):
    """
    What is no event is no reason to fail.
    """
    tracker = tracked(kit, frame)

    assert event_of(frame) == {}
    assert tracker.last == b""
