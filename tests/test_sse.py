from __future__ import annotations

import random

import pytest

from gateway.sse import Frames, FrameTooLarge, marked
from gateway.views import fields_of

STREAM = (
    ": hello\n\n"
    'event: message_start\ndata: {"a":"é😀"}\n\n'
    "data: one\ndata: two\n\n"
    "id: 7\nretry: 03000\ndata:{}\n\n"
    "data: [DONE]\n\n"
).encode()


def events_of(frames):
    """
    Return (event, data) of the frames that dispatch an event, as WHATWG says: data came.
    """
    found = [fields_of(frame) for frame in frames]
    return [(event, data) for event, data in found if data or event]


def cut(data, *places):
    """
    Feed *data* cut at *places*.
    """
    frames = Frames()
    out = []
    at = 0
    for place in (*places, len(data)):
        out += frames.feed(data[at:place])
        at = place
    return out + frames.finish(), frames.rest


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_any_cut_gives_the_same_events(line_end):
    """
    A stream cut at every byte, in every line end, has the events of the uncut one.
    """
    data = STREAM.replace(b"\n", line_end)
    expected = events_of(cut(STREAM)[0])

    for place in range(len(data) + 1):
        assert events_of(cut(data, place)[0]) == expected


def test_random_cuts_into_many_pieces():
    """
    Reads of any size give the same events, and together the same bytes.
    """
    rng = random.Random(3)
    expected = events_of(cut(STREAM)[0])
    for _ in range(300):
        places = sorted(rng.sample(range(len(STREAM)), rng.randint(1, 40)))
        frames, rest = cut(STREAM, *places)

        assert events_of(frames) == expected
        assert b"".join(frames) + rest == STREAM


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            b"data:test\r\ndata\ndata:test\r\n\r", [b"test\n\ntest"], id="newline-fest"
        ),
        pytest.param(
            b"data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\n"
            b"data:3\rdata:\r\n data:32\ndata:4\n\n",
            [b"\0\n 2\n1\n3\n\n4"],
            id="field-parsing",
        ),
        pytest.param(
            b"\xef\xbb\xbfdata:1\n\n\xef\xbb\xbfdata:2\n\ndata:3\n\n",
            [b"1", b"3"],
            id="byte-order-mark",
        ),
        pytest.param(b"data:\0\n\n", [b"\0"], id="nul"),
        pytest.param(b"data: never finished\n", [], id="unfinished"),
    ],
)
def test_web_platform_vectors(data, expected):
    """
    The vectors of the web platform tests for event streams give their results.
    """
    frames, _ = cut(data)

    assert [payload for _, payload in events_of(frames) if payload] == expected


def test_what_was_never_finished_is_reported():
    """
    An event without its blank line is no event, and stands in rest.
    """
    frames, rest = cut(b"data: a\n\ndata: b\n")

    assert frames == [b"data: a\n\n"]
    assert rest == b"data: b\n"


def test_an_endless_event_is_refused():
    """
    An event that grows past the limit is an error, not memory.
    """
    frames = Frames(limit=100)

    with pytest.raises(FrameTooLarge):
        for _ in range(20):
            frames.feed(b"data: xxxx")


def test_unicode_line_separators_do_not_split():
    """
    U+2028, NEL and form feed are text: only CR and LF end lines.
    """
    data = "data: a\u2028b\x85c\x0bd\x0ce\n\n".encode()

    assert events_of(cut(data)[0]) == [(None, "a\u2028b\x85c\x0bd\x0ce".encode())]


@pytest.mark.parametrize("marks", [(b"a",), (b"b", b"a"), (b"zz", b"c"), ()])
def test_marked_finds_what_a_search_of_each_frame_finds(marks):
    """
    Frames with a mark are found in their order, each once, wherever and how often it stands.
    """
    frames = [b"a..\n\n", b"..\n\n", b"aaa\n\n", b".b.a\n\n", b".c\n\n", b"c\n\n"]

    found = marked(frames, b"".join(frames), marks)

    assert list(found) == [
        at for at, frame in enumerate(frames) if any(mark in frame for mark in marks)
    ]
