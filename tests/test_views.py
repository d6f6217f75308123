from __future__ import annotations

import gc
import json

import pytest

from gateway import SealedError, codec
from gateway.testing import find_dialect, make_chunk, make_request, make_response
from gateway.views import Chunk, fields_of

ODD = b'{ "model" : "m", "temperature": 1.50, "messages":[{"role":"user","content":"hi"}] }'


def test_a_clean_request_is_the_bytes_that_came():
    """
    Reading a request changes nothing.
    """
    request = make_request(ODD)

    assert [text.value for text in request.texts()] == ["hi"]
    assert request.encode() is ODD


def test_a_patched_request_keeps_every_other_byte():
    """
    Another model is spliced in; white space and numbers stay.
    """
    request = make_request(ODD)

    request.model = "other"

    assert request.encode() == ODD.replace(b'"m"', b'"other"')
    assert request.model == "other"
    assert request.edits == ("model",)


def test_a_dirty_request_says_what_was_edited():
    """
    An edited text is in the bytes and in the view.
    """
    request = make_request(ODD)

    request.texts()[0].replace("bye")

    assert codec.loads(request.encode())["messages"][0]["content"] == "bye"
    assert request.texts()[0].value == "bye"


def test_a_fork_is_changed_alone():
    """
    What is edited on a fork, text or top level, does not reach the original.
    """
    request = make_request(ODD)
    fork = request.fork()

    fork.model = "other"
    fork.texts()[0].replace("bye")

    assert request.encode() is ODD
    assert request.texts()[0].value == "hi"
    assert codec.loads(fork.encode())["messages"][0]["content"] == "bye"
    assert codec.loads(fork.encode())["model"] == "other"


def test_members_are_read_without_a_copy():
    """
    A fork's top level is the original's until somebody edits it.
    """
    request = make_request(ODD)

    members = request.fork().members

    assert members is request.doc
    assert members["messages"][0]["content"] == "hi"


def test_the_original_may_change_after_the_fork_took_its_own():
    """
    A fork that was read is independent of later edits.
    """
    request = make_request(ODD)
    fork = request.fork()
    texts = fork.texts()

    request.texts()[0].replace("bye")

    assert texts[0].value == "hi"
    assert fork.encode() == ODD


def test_a_patch_behind_an_edit_is_not_lost():
    """
    A top-level value set on a dirty request is written with the rest.
    """
    request = make_request(ODD)
    request.texts()[0].replace("bye")

    request.model = "other"

    doc = codec.loads(request.encode())
    assert (doc["model"], doc["messages"][0]["content"]) == ("other", "bye")


def test_sealed_text_cannot_be_edited():
    """
    Signed reasoning raises on edit, and stays what it was.
    """
    frame = (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        b'"delta":{"type":"thinking_delta","thinking":"hm"}}\n\n'
    )
    chunk = make_chunk(frame, dialect="anthropic_messages")

    with pytest.raises(SealedError):
        chunk.texts()[0].replace("x")
    assert chunk.encode() is frame


@pytest.mark.parametrize(
    ("frame", "event", "data"),
    [
        (b"data: {}\n\n", None, b"{}"),
        (b"data:{}\n\n", None, b"{}"),
        (b"event: ping\ndata: {}\n\n", b"ping", b"{}"),
        (b"event: ping\r\ndata: {}\r\n\r\n", b"ping", b"{}"),
        (b"data: a\ndata: b\n\n", None, b"a\nb"),
        (b": comment\n\n", None, b""),
        (b"id: 1\ndata: x\n\n", None, b"x"),
        (b"data: a\rdata: b\r\r", None, b"a\nb"),
        (b"data\n\n", None, b""),
        (b"event: a\ndata: x\rdata: y\n\n", b"a", b"x\ny"),
    ],
)
def test_fields_of_a_frame(frame, event, data):
    """
    Event name and data are read as the standard says, in every spelling.
    """
    assert fields_of(frame) == (event, data)


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (b"data: {}\n\n", False),
        (b"event: a\ndata: {}\n\n", False),
        (b"data:{}\r\n\r\n", False),
        (b"data: a\ndata: b\n\n", False),
        (b"data\n\n", False),
        (b": secret\ndata: {}\n\n", True),
        (b"data: {}\n: secret\n\n", True),
        (b"data: {}\rid: secret\r\r", True),
        (b"datum: secret\n\n", True),
        (b"event: secret\nevent: a\ndata: {}\n\n", True),
        (b"event: secret\ndata: {}\r\nevent: a\n\n", True),
    ],
)
def test_lines_that_no_view_shows_are_known(frame, expected):
    """
    Comments and further fields of a frame are noticed, so that they can be left out.
    """
    assert make_chunk(frame).has_more_lines is expected


@pytest.mark.parametrize(
    ("frame", "left"),
    [
        (b": secret\ndata: {}\n\n", b"data: {}\n\n"),
        (b"id: secret\r\nevent: a\r\ndata: {}\r\n\r\n", b"event: a\ndata: {}\n\n"),
        (b"event: secret\nevent: a\ndata: {}\n\n", b"event: a\ndata: {}\n\n"),
        (b": secret\ndata: [DONE]\n\n", b"data: [DONE]\n\n"),
        (b": secret\ndata: {\ndata: }\n\n", b"data: {\ndata: }\n\n"),
        (b"data:{}\r\n\r\n", b"data:{}\r\n\r\n"),
    ],
)
def test_what_no_view_shows_can_be_stripped(frame, left):
    """
    All else stays as it came.
    """
    chunk = make_chunk(frame)

    assert chunk.strip()
    assert chunk.encode() == left


def test_nothing_is_left_of_a_comment():
    """
    Of an event that was made here all is.
    """
    assert not make_chunk(b": secret\n\n").strip()
    assert Chunk(make_chunk(b"").dialect, doc={"words": "here"}).strip()


def test_an_edited_chunk_is_a_whole_frame():
    """
    A dirty chunk is written anew, with its event name if it has one.
    """
    dialect = find_dialect("anthropic_messages")
    chunk = Chunk(dialect, b'event: ping\ndata: {"type":"ping"}\n\n')

    chunk.doc["more"] = 1
    chunk.touch()

    assert chunk.encode() == b'event: ping\ndata: {"type":"ping","more":1}\n\n'


def test_done_has_no_document():
    """
    ``[DONE]`` and comments are chunks without a document or texts.
    """
    done = make_chunk(b"data: [DONE]\n\n")
    comment = make_chunk(b": keep-alive\n\n")

    assert done.is_done
    assert done.is_terminal
    assert done.doc == {}
    assert comment.texts() == []
    assert comment.encode() == b": keep-alive\n\n"


def test_a_response_knows_its_error():
    """
    The message of an error is at hand, in either vendor's shape.
    """
    openai = make_response({"error": {"message": "no", "type": "x"}}, status=400)
    anthropic = make_response(
        {"type": "error", "error": {"type": "x", "message": "no"}},
        dialect="anthropic_messages",
    )

    assert openai.error == anthropic.error == "no"
    assert make_response({"choices": []}).error is None


def test_a_view_shows_no_text():
    """
    Neither views nor texts show content in their repr, for it ends in logs.
    """
    request = make_request(ODD.replace(b"hi", b"canary"))

    assert "canary" not in repr(request)
    assert "canary" not in repr(request.texts())


@pytest.mark.parametrize(
    ("dialect", "body", "told"),
    [
        (
            "openai_chat",
            {"messages": [{"role": "user", "content": "hi"}]},
            {
                "messages": [
                    {"role": "system", "content": "W"},
                    {"role": "user", "content": "hi"},
                ]
            },
        ),
        ("openai_responses", {"input": "hi"}, {"instructions": "W"}),
        (
            "openai_responses",
            {"input": "hi", "instructions": "I"},
            {"instructions": "W\n\nI"},
        ),
        ("anthropic_messages", {"messages": []}, {"system": "W"}),
        ("anthropic_messages", {"messages": [], "system": "S"}, {"system": "W\n\nS"}),
        (
            "anthropic_messages",
            {"messages": [], "system": [{"type": "text", "text": "S"}]},
            {"system": [{"type": "text", "text": "W"}, {"type": "text", "text": "S"}]},
        ),
        ("openai_completions", {"prompt": "hi"}, {"prompt": "W\n\nhi"}),
        (
            "openai_completions",
            {"prompt": ["a", "b"]},
            {"prompt": ["W\n\na", "W\n\nb"]},
        ),
    ],
    ids=str,
)
def test_instructions_are_put_in_front_in_the_dialects_own_way(dialect, body, told):
    """
    The words are a text like any other, so that whoever inspects after sees them.
    """
    request = make_request({"model": "m", "max_tokens": 9, **body}, dialect=dialect)
    assert "W" not in [text.value for text in request.texts()]

    assert request.instruct("W")

    assert codec.loads(request.encode()) == {
        "model": "m",
        "max_tokens": 9,
        **body,
        **told,
    }
    assert any(text.value.startswith("W") for text in request.texts())
    assert request.edits == ("instructions",)


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("openai_embeddings", {"input": "hi"}),
        ("openai_completions", {"prompt": [1, 2]}),
    ],
)
def test_where_nothing_can_be_said_nothing_is_changed(dialect, body):
    """
    The caller of `instruct` is told, and decides.
    """
    request = make_request({"model": "m", **body}, dialect=dialect)
    before = request.encode()

    assert not request.instruct("W")

    assert request.encode() == before
    assert request.edits == ()


SAYS = b'data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n'


UNLISTED = {"brand": {"new": "words", "of": ["any", {"kind": 1}]}, "figure": 10**15}
LOOKED_AT = {
    "a piece": SAYS,
    "what nobody listed": b"data: %b\n\n" % json.dumps(UNLISTED).encode(),
    "a bare string": b'data: "words"\n\n',
    "an odd name": b"event: words of somebody\ndata: {}\n\n",
}


@pytest.mark.parametrize("frame", LOOKED_AT.values(), ids=LOOKED_AT)
@pytest.mark.parametrize("is_edited", [False, True], ids=["read", "edited and sent"])
def test_an_event_whose_texts_were_looked_at_is_freed_at_once(frame, is_edited):
    """
    It does not wait for the collector, whether it went on or was looked at for its own sake.
    """
    gc.collect()
    gc.disable()

    try:
        chunk = Chunk(find_dialect("openai_chat"), frame)
        texts = chunk.texts()
        assert texts
        for text in texts if is_edited else ():
            text.replace(f"no {text.value}")
        if is_edited:
            chunk.encode()
        text = None
        del chunk, texts
        left = gc.collect()
    finally:
        gc.enable()

    assert left == 0


@pytest.mark.parametrize("frame", LOOKED_AT.values(), ids=LOOKED_AT)
def test_a_text_outlives_its_view(frame):
    """
    It can be read and replaced still, for nobody.
    """
    texts = Chunk(find_dialect("openai_chat"), frame).texts()

    for text in texts:
        text.replace(f"no {text.value}")

    assert all(text.value.startswith("no ") or text.json_type for text in texts)


def test_an_event_may_be_edited_after_it_was_encoded():
    """
    Texts that somebody had of it before are of the same document still.
    """
    chunk = Chunk(find_dialect("openai_chat"), SAYS)
    text = chunk.texts()[0]
    assert chunk.encode() == SAYS

    text.replace("ho")

    assert chunk.encode() == SAYS.replace(b"hi", b"ho")
    assert [text.value for text in chunk.texts()] == ["ho"]
