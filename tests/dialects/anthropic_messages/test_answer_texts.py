"""
Texts of answers, events and errors: a closed world, in the same lanes.
"""

from __future__ import annotations

import pytest

from gateway.views import (
    ANNOTATION,
    ARGUMENTS,
    ERROR,
    MESSAGE,
    REASONING,
    REFUSAL,
    SUMMARY,
    UNKNOWN,
    Chunk,
    SealedError,
)


def test_canary_comes_out_of_an_answer(kit):
    """
    No string of a rich answer escapes, and no unknown key nor its name.
    """
    example = kit.example("response")

    missed = kit.missed(example, lambda doc: kit.response(doc).texts())

    assert missed == []


@pytest.mark.parametrize("is_named", [True, False], ids=["named", "nameless"])
def test_canary_comes_out_of_every_event(kit, is_named):
    """
    No string of any event escapes, and no unknown key nor its name.
    """
    missed = []
    for event in kit.example("stream"):
        name = event["type"].encode() if is_named else None

        def texts_of(doc, name=name):
            return Chunk(kit.dialect, doc=doc, event=name).texts()

        missed += [(event["type"], path) for path in kit.missed(event, texts_of)]

    assert missed == []


def test_canary_comes_out_of_an_error(kit):
    """
    An error's message is text that a provider wrote.
    """
    error = {
        "type": "error",
        "error": {
            "type": "api_error",
            "message": "Oops",
            "details": {"error_code": "x"},
        },
        "request_id": "req_1",
    }

    missed = kit.missed(error, lambda doc: kit.response(doc).texts())
    (message,) = kit.response(error).texts()

    assert missed == []
    assert (message.kind, message.role) == (ERROR, "provider")


def test_count_of_tokens_has_no_text(kit):
    """
    An answer to a count is numbers, and what else stands in it comes out.
    """
    assert kit.response({"input_tokens": 17}).texts() == []
    assert kit.missed({"input_tokens": 17}, lambda d: kit.response(d).texts()) == []


@pytest.mark.parametrize(
    ("delta", "kind", "sealed", "is_json"),
    [
        ({"type": "text_delta", "text": "x"}, MESSAGE, False, False),
        ({"type": "thinking_delta", "thinking": "x"}, REASONING, True, False),
        ({"type": "input_json_delta", "partial_json": "x"}, ARGUMENTS, False, True),
        ({"type": "compaction_delta", "content": "x"}, SUMMARY, True, False),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else None,
)
def test_deltas_run_in_the_lane_of_their_block(kit, delta, kind, sealed, is_json):
    """
    A delta's lane is its block's; what a signature covers is sealed.
    """
    event = {"type": "content_block_delta", "index": 3, "delta": delta}

    (text,) = kit.chunk(event).texts()

    assert (text.value, text.kind, text.lane) == ("x", kind, (0, 3, 0, kind))
    assert (text.form, text.sealed, text.is_json) == ("delta", sealed, is_json)


@pytest.mark.parametrize("key", ["text", "extra"])
def test_delta_with_more_than_its_text_is_read_to_the_end(kit, key):
    """
    A new key beside a delta's text does not hide behind it.
    """
    delta = {"type": "text_delta", "text": "x", "extra": "4111 1111"}
    event = {"type": "content_block_delta", "index": 0, "delta": delta}

    texts = kit.chunk(event).texts()

    assert delta[key] in [t.value for t in texts]


def test_unknown_deltas_run_on(kit):
    """
    Pieces of a delta that nobody knows stand in one lane, so that a split text is found.
    """
    events = [
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "song_delta", "verse": piece},
        }
        for piece in ("4111 1111", " 1111 1111")
    ]

    pieces = [t for e in events for t in kit.chunk(e).texts() if "1111" in t.value]

    assert [t.form for t in pieces] == ["delta", "delta"]
    assert pieces[0].lane == pieces[1].lane
    assert pieces[0].kind == UNKNOWN


def test_pieces_of_an_event_nobody_has_heard_of_run_on(kit):
    """
    What the vendor invents it streams as all else.
    """
    events = [
        {"type": "song_delta", "index": 2, "delta": {"verse": piece}}
        for piece in ("4111 1111", " 1111 1111")
    ]

    pieces = [t for e in events for t in kit.chunk(e).texts() if "1111" in t.value]

    assert [t.form for t in pieces] == ["delta", "delta"]
    assert pieces[0].lane == pieces[1].lane


def test_empty_delta_is_no_text(kit):
    """
    A delta without text yields nothing.
    """
    event = {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": ""},
    }

    assert kit.chunk(event).texts() == []


def test_text_in_a_block_start_is_its_first_piece(kit):
    """
    A block that starts with text starts the lane of its deltas.
    """
    start = {
        "type": "content_block_start",
        "index": 2,
        "content_block": {"type": "text", "text": "Once"},
    }

    (text,) = kit.chunk(start).texts()

    assert (text.form, text.lane) == ("delta", (0, 2, 0, MESSAGE))


def test_lanes_of_a_stream_are_those_of_the_answer(kit):
    """
    A text stands in the same lane whether it came at once or in pieces.
    """
    streamed = {
        t.lane
        for event in kit.example("stream")
        for t in kit.chunk(event).texts()
        if t.kind in (MESSAGE, REASONING)
    }
    whole = {
        "type": "message",
        "content": [
            {"type": "thinking", "thinking": "Let me see.", "signature": "cw"},
            {"type": "redacted_thinking", "data": "aGk"},
            {"type": "server_tool_use", "input": {}},
            {"type": "web_search_tool_result", "content": []},
            {"type": "text", "text": "It is cold."},
        ],
    }

    lanes = {t.lane for t in kit.response(whole).texts()}

    assert lanes == streamed


def test_lane_in_a_citation_is_apart(kit):
    """
    What a citation quotes does not run into the text that it stands behind.
    """
    event = kit.example("stream")[17]

    lanes = {t.lane for t in kit.chunk(event).texts()}

    assert lanes == {(0, 4, 0, ANNOTATION)}


def test_signed_thinking_cannot_be_edited(kit):
    """
    Thinking is sealed by its signature, and only by that.
    """
    signed = {"type": "thinking", "thinking": "Hm.", "signature": "cw"}
    unsigned = {"type": "thinking", "thinking": "Hm.", "signature": ""}
    answer = {"type": "text", "text": "So."}
    texts = kit.response({"content": [signed, answer, unsigned]}).texts()

    with pytest.raises(SealedError):
        texts[0].replace("x")
    texts[1].replace("x")
    texts[2].replace("x")

    assert [t.value for t in texts] == ["Hm.", "x", "x"]


def test_refusal_explains_itself(kit):
    """
    The explanation of a refusal is text of the provider.
    """
    texts = kit.response(kit.example("response")).texts()

    (text,) = [t for t in texts if t.kind == REFUSAL]

    assert (text.value, text.role) == ("It could do harm.", "provider")


def test_name_of_an_event_is_not_a_hiding_place(kit):
    """
    Prose in place of an event's name comes out and can be replaced.
    """
    raw = b'event: card 4111\ndata: {"type":"ping"}\n\n'
    chunk = Chunk(kit.dialect, raw)

    (text,) = chunk.texts()
    text.replace("card\n[gone]")

    assert chunk.encode() == b'event: card [gone]\ndata: {"type":"ping"}\n\n'


def test_type_tells_and_not_the_name_of_the_event(kit):
    """
    An event that is named after a quiet one is read by what it says.
    """
    event = {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": "hello"},
    }
    frame = kit.frame(event).replace(b"event: content_block_delta", b"event: ping")

    (text,) = Chunk(kit.dialect, frame).texts()

    assert text.value == "hello"


@pytest.mark.parametrize(
    "data", [b'"a text"', b'["a text"]', b'{"type":"x","y":"a text"}']
)
def test_data_of_another_shape_is_text(kit, data):
    """
    Data that is no object, or of a type that nobody knows, is all text.
    """
    chunk = Chunk(kit.dialect, b"event: x\ndata: " + data + b"\n\n")

    texts = [t for t in chunk.texts() if t.value == "a text"]
    texts[0].replace("[gone]")

    assert b"a text" not in chunk.encode()
    assert b"[gone]" in chunk.encode()


@pytest.mark.parametrize(
    ("event", "ends"),
    [
        ({"type": "content_block_stop", "index": 2}, ((0, 2),)),
        ({"type": "message_delta"}, ((),)),
        ({"type": "message_stop"}, ((),)),
        ({"type": "error"}, ((),)),
        ({"type": "content_block_delta", "index": 2}, ()),
        ({"type": "ping"}, ()),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else None,
)
def test_events_end_lanes(kit, event, ends):
    """
    A block's stop ends the block's lanes, the message's end ends all.
    """
    assert kit.chunk(event).ends() == ends


@pytest.mark.parametrize("doc", ["a text", ["a text"]])
def test_answer_of_another_shape_is_text(kit, doc):
    """
    An answer that is no object is all text, replaceable in place.
    """
    response = kit.response(doc)

    (text,) = response.texts()
    text.replace("gone")

    assert b"a text" not in response.encode()


def test_event_without_text_is_quiet(kit):
    """
    A comment between the events has no document and no text.
    """
    assert Chunk(kit.dialect, b": keep-alive\n\n").texts() == []


@pytest.mark.parametrize(
    "doc", [3, [1, 2, 3], {"index": [0]}, {"type": ["x"]}, {"type": "\ud800"}], ids=repr
)
@pytest.mark.parametrize("event", [b"content_block_delta", b"content_block_stop"])
def test_event_of_another_shape_breaks_nothing(kit, event, doc):
    """
    Whatever its name, its document may be any JSON; what ends then is all or nothing.
    """
    chunk = Chunk(kit.dialect, doc=doc, event=event)

    assert {text.value for text in chunk.texts()} <= {"x", "\ud800", event.decode()} | {
        *(doc if isinstance(doc, dict) else ())
    }
    assert chunk.ends() in ((), ((),))
