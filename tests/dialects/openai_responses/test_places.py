"""
Ends of lanes, and offsets into them.
"""

from __future__ import annotations

import pytest

from gateway.views import Chunk


def covers(prefix, lane):
    return lane[: len(prefix)] == prefix


def test_every_lane_ends_after_its_last_delta(kit):
    """
    A lane is ended by an event behind its last delta, and not before it.
    """
    events = kit.events()
    last = {}
    ended = {}
    for number, event in enumerate(events):
        chunk = kit.chunk(event)
        for text in chunk.texts():
            if text.form == "delta":
                last[text.lane] = number
        for prefix in chunk.ends():
            for lane in last:
                if covers(prefix, lane):
                    ended.setdefault(lane, number)

    assert last.keys() == ended.keys()
    assert all(last[lane] < ended[lane] for lane in last)


@pytest.mark.parametrize(
    ("event", "lane"),
    [
        ({"type": "response.output_text.done", "text": "x"}, (0, 2, 1, "message")),
        ({"type": "response.refusal.done", "refusal": "x"}, (0, 2, 1, "refusal")),
        ({"type": "response.reasoning_text.done", "text": "x"}, (0, 2, 1, "reasoning")),
        (
            {"type": "response.reasoning_summary_text.done", "text": "x"},
            (0, 2, 3, "summary"),
        ),
        (
            {"type": "response.function_call_arguments.done", "arguments": "{}"},
            (0, 2, 0, "tool_arguments"),
        ),
        ({"type": "response.reasoning_summary_part.done"}, (0, 2, 3, "summary")),
        (
            {"type": "response.content_part.done", "part": {"type": "refusal"}},
            (0, 2, 1, "refusal"),
        ),
        ({"type": "response.output_item.done", "item": {}}, (0, 2)),
        ({"type": "response.completed", "response": {}}, ()),
        ({"type": "error", "message": "x"}, ()),
    ],
    ids=lambda value: value.get("type") if isinstance(value, dict) else "",
)
def test_event_ends_its_lane(kit, event, lane):
    """
    Each kind of end names the lanes that it ends.
    """
    places = {"output_index": 2, "content_index": 1, "summary_index": 3}

    assert tuple(kit.chunk({**places, **event}).ends()) == (lane,)


def test_annotations_have_places(kit):
    """
    Offsets of annotations count in the words of their part, in whichever event they stand.
    """
    spans = {}
    for event in kit.events():
        for span in kit.chunk(event).spans():
            spans.setdefault(event["type"], []).append(
                (span.lane, span.start, span.end)
            )

    four = [
        ((0, 1, 0, "message"), "start_index", "end_index"),
        ((0, 1, 0, "message"), "index", None),
        ((0, 1, 0, "message"), "start_index", "end_index"),
        ((0, 1, 0, "message"), "index", None),
    ]
    assert spans == {
        "response.output_text.annotation.added": four,
        "response.content_part.done": four,
        "response.output_item.done": four,
        "response.completed": four,
    }


def test_whole_response_has_places(kit):
    """
    The same holds for a whole response.
    """
    response = kit.response(kit.example("responses")["response"])

    assert [span.start for span in response.spans()] == [
        "start_index",
        "index",
        "start_index",
        "index",
    ]


@pytest.mark.parametrize(
    "doc",
    [
        "x",
        {"output": 1},
        {"output": [1, {"content": 1}, {"content": [1, {"annotations": 1}]}]},
        {"output": [{"content": [{"annotations": [1, {"start_index": "x"}]}]}]},
    ],
    ids=str,
)
def test_malformed_documents_have_no_places(kit, doc):
    """
    What is not as the reference says is passed over, never an error.
    """
    spans = kit.response(doc).spans()

    assert [(span.start, span.end) for span in spans] in ([], [(None, None)])


@pytest.mark.parametrize(
    "frame", [b"data: [1]\n\n", b": x\n\n", b'data: {"type": []}\n\n']
)
def test_odd_frames_end_nothing(kit, frame):
    """
    A frame without an event ends no lane and has no places.
    """
    chunk = Chunk(kit.dialect, frame)

    assert tuple(chunk.ends()) == ()
    assert chunk.spans() == []
