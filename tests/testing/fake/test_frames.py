"""
Events on the wire.
"""

from __future__ import annotations

import pytest

from gateway.testing.fake.frames import DONE, Event, Frame, encode, to_frames
from gateway.testing.fake.script import Insert, Script

NAMED = Event(b'{"a":1,"b":2}', "delta")


@pytest.mark.parametrize(
    ("event", "script", "data"),
    [
        (DONE, Script(), b"data: [DONE]\n\n"),
        (NAMED, Script(), b'event: delta\ndata: {"a":1,"b":2}\n\n'),
        (DONE, Script(line_end="\r\n"), b"data: [DONE]\r\n\r\n"),
        (NAMED, Script(line_end="\r"), b'event: delta\rdata: {"a":1,"b":2}\r\r'),
        (DONE, Script(split_data=True), b"data: [DONE]\n\n"),
        (
            NAMED,
            Script(split_data=True),
            b'event: delta\ndata: {\ndata:   "a": 1,\ndata:   "b": 2\ndata: }\n\n',
        ),
    ],
    ids=repr,
)
def test_encodes(event, script, data):
    """
    Lines end as scripted, and a document may take several of them.
    """
    assert encode(event, script) == data


def frames(script, count=3, ping=None):
    events = [Event(b'{"n":%d}' % n, text=str(n)) for n in range(count)]
    return list(to_frames(events, script, ping))


def test_a_frame_keeps_the_text_that_is_billed():
    """
    Without noise a frame is its event.
    """
    assert frames(Script(), 1) == [Frame(b'data: {"n":0}\n\n', "0")]


def test_comments_come_before_every_nth_event():
    """
    Comments stand where the script wants them.
    """
    found = [
        b": keep-alive\n\n" in frame.data for frame in frames(Script(comment_every=2))
    ]

    assert found == [True, False, True]


def test_pings_are_events_where_the_vendor_has_them():
    """
    A ping is the vendor's event, or else a comment.
    """
    ping = Event(b'{"type":"ping"}', "ping")

    own = frames(Script(ping_every=1), ping=ping)[1].data
    other = frames(Script(ping_every=1))[1].data

    assert own.startswith(b"event: ping\n")
    assert other.startswith(b": ping\n\n")


def test_a_byte_order_mark_comes_once():
    """
    It stands at the very beginning and nowhere else.
    """
    data = b"".join(frame.data for frame in frames(Script(byte_order_mark=True)))

    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\xef\xbb\xbf") == 1


def test_inserts_go_out_as_they_are():
    """
    Raw bytes are put before the event that the script names.
    """
    script = Script(inserts=(Insert(1, "event: new\ndata: {}\n\n"),))

    assert frames(script)[1].data == b'event: new\ndata: {}\n\ndata: {"n":1}\n\n'


def test_a_malformed_frame_is_half_of_the_next():
    """
    The broken frame has a name and half a document; the stream goes on after it.
    """
    found = list(to_frames([NAMED], Script(malformed_after=0)))

    assert found[0].data == b'event: delta\ndata: {"a":1\n\n' + encode(NAMED, Script())


def test_an_endless_stream_is_framed_as_it_comes():
    """
    Frames are made one by one.
    """

    def endless():
        while True:
            yield DONE

    assert next(to_frames(endless(), Script())).data == b"data: [DONE]\n\n"
