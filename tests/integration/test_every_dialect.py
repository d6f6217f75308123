"""
Promises of every dialect, over the registry: one that is added is covered by being registered.

What a dialect's documents look like stands in ``tests/dialects/examples/<name>.json``: rich
requests, answers and events, the fields that take token numbers, and recordings, each the same
answer whole and as a stream.  A dialect without that file fails here by its name.
"""

from __future__ import annotations

import json
from itertools import product

import anthropic
import openai
import pytest
from recordings import Example, frame_of, places
from sdks import SDKS, sdk_of

from gateway import assembly
from gateway.dialects import Dialect, core_dialects
from gateway.errors import Blocked, UpstreamError
from gateway.neutral import Losses
from gateway.sse import Frames
from gateway.views import Chunk, Request, Response

ALL = [Example.of(dialect) for dialect in core_dialects()]
STREAMED = [example for example in ALL if example.dialect.facts() is not None]
RECORDINGS = [record for example in STREAMED for record in example.recordings()]
TRANSLATED = [
    example
    for example in STREAMED
    if type(example.dialect).stream_writer is not Dialect.stream_writer
]
#: What every dialect that is translated must have recorded.
SCENES = ("text", "tools", "reasoning", "refusal", "length")


@pytest.mark.parametrize("example", ALL, ids=str)
def test_every_dialect_has_examples(example):
    """
    A dialect shows its requests and answers; events and recordings if it has streams.
    """
    kinds = ["requests", "responses"]
    if example in STREAMED:
        kinds += ["events", "recordings"]

    missing = [kind for kind in kinds if not example.said.get(kind)]

    assert missing == [], f"{example}: add to tests/dialects/examples/{example}.json"


@pytest.mark.parametrize("example", TRANSLATED, ids=str)
def test_every_translated_dialect_has_every_scene(example):
    """
    Whoever adds a dialect that is translated records what the others have recorded.
    """
    assert {record.name for record in example.recordings()} >= {*SCENES}


# --- texts are a closed world ---------------------------------------------------------------

CANARY = 'Canary, 4111 "said" so!'
CARD = "4111 1111 1111 1111"
MAIL = "Jane Doe <jane@example.org>"
#: What may be put in the place of any value: prose, and what detectors look for.
VALUES = (
    (CANARY, CANARY),
    (CARD, CARD),
    (MAIL, MAIL),
    (CANARY, [CANARY]),
    (CANARY, {"a": [{"b": CANARY}]}),
    (CARD, json.dumps({"a": [CARD]})),
)
PLAIN_VALUES = (VALUES[0], VALUES[3], VALUES[4])
#: What may be added to any object, and to any list.
MEMBERS = (
    (CANARY, 1),
    (CANARY, None),
    ("unheard_of", CANARY),
    ("zz_new", [{"a": CANARY}]),
)
ENTRIES = (CANARY, [CANARY], {"type": "brand_new", "text": CANARY}, {CANARY: 1})


class Plants:
    """
    Changes documents of one dialect in one place after the other.

    A place whose like was tried in a document of the type is passed over.
    """

    def __init__(self):
        self._tried = set()

    def of(self, doc):
        """
        Yield a path and what must come out, *doc* being changed there meanwhile.
        """
        top = doc.get("type"), doc.get("object")
        for path, kinds, box in list(places(doc)):
            is_list = isinstance(box, list)
            for key in range(len(box)) if is_list else list(box):
                before = box[key]
                # A null may stand for anything, a number for a string.
                values = VALUES if isinstance(before, str) else PLAIN_VALUES
                like = (kinds, "*" if is_list else key, type(before))
                for seen, value in self._untried(values, top, like):
                    box[key] = value
                    yield (*path, key), seen
                box[key] = before
            if is_list:
                for value in self._untried(ENTRIES, top, kinds):
                    box.append(value)
                    yield (*path, "+"), CANARY
                    box.pop()
            else:
                for name, value in self._untried(MEMBERS, top, kinds):
                    box[name] = value
                    yield (*path, name), CANARY
                    del box[name]

    def _untried(self, values, top, like):
        if (top, like) in self._tried:
            return ()
        self._tried.add((top, like))
        return values


@pytest.mark.parametrize("example", ALL, ids=str)
def test_nothing_that_is_said_stays_unseen(example):
    """
    Words in the place of any value, as any new member, in any list, come out of `texts` and
    can be replaced; no place is excepted.
    """
    count, missed = 0, []
    plants = Plants()
    for doc, view_of in example.views():
        for path, seen in plants.of(doc):
            count += 1
            view = view_of(doc)
            found = [text for text in view.texts() if seen in text.value]
            if found and not any(text.sealed for text in found):
                for text in found:
                    text.replace("gone")
                found = json.dumps(seen)[1:-1].encode() not in view.encode()
            if not found:
                missed.append(".".join(map(str, path)))

    assert count > 100
    assert missed == []


@pytest.mark.parametrize("example", ALL, ids=str)
@pytest.mark.parametrize("doc", [CANARY, [CANARY], [[{"a": CANARY}]]], ids=str)
def test_documents_of_another_shape_are_text(example, doc):
    """
    Bare words, or a list, in the place of a document come out as well.
    """
    raw = json.dumps(doc).encode()
    views = [Response(example.dialect, raw)]
    if example in STREAMED:
        views.append(Chunk(example.dialect, b"data: %b\n\n" % raw))

    assert all(CANARY in [text.value for text in view.texts()] for view in views)


@pytest.mark.parametrize("example", STREAMED, ids=str)
@pytest.mark.parametrize("name", [None, "brand.new", "ping"])
def test_events_that_nobody_has_heard_of_are_text(example, name):
    """
    An event of a new type yields every string in it, whatever its frame is called.
    """
    doc = {"type": "brand.new", "delta": {"words": CANARY}, "seen": [{"x": CARD}]}

    values = [t.value for t in Chunk(example.dialect, frame_of(name, doc)).texts()]

    assert {CANARY, CARD} <= set(values)


#: A prompt of token numbers, alone, among others, and where it should not be.
TOKENS = (
    [7],
    [[7], [8, 9]],
    ["words", [7]],
    [7, "words"],
    [7.5],
    [[[7]]],
    [{"a": [7]}],
)


@pytest.mark.parametrize("example", ALL, ids=str)
def test_words_that_nobody_can_read_are_named(example):
    """
    A field that takes token numbers is named when it holds any, by every dialect that has one.
    """
    fields = [field for field in example.docs("requests")[0] if field != "model"]
    operation = example.dialect.operations[0]

    named = {field: set() for field in fields}
    for field in fields:
        for tokens in (*TOKENS, ["words"], "words"):
            raw = json.dumps({"model": "m", field: tokens}).encode()
            view = Request(example.dialect, raw, operation=operation)
            named[field].add((*view.unreadable, tokens in TOKENS))

    for field, found in named.items():
        numbered = field in example.said.get("numbered", ())
        assert found == {((field, True) if numbered else (True,)), (False,)}


# --- what the SDKs make of it ---------------------------------------------------------------


@pytest.mark.parametrize("example", STREAMED, ids=str)
def test_every_stream_has_an_sdk_that_reads_it(example):
    """
    Whoever adds a dialect with streams has them judged by its vendor's SDK.
    """
    assert str(example) in SDKS


@pytest.mark.parametrize("record", RECORDINGS, ids=str)
def test_recordings_say_the_same_whole_and_streamed(record):
    """
    What is recorded is valid, and the same answer in both ways: an oracle, not a rumour.
    """
    sdk = sdk_of(record.dialect)

    for name, doc in record.stream:
        if name != "ping" and doc != "[DONE]":  # which no SDK has types for
            sdk.event.validate_python(doc)

    assert sdk.streamed(record.frames) == sdk.whole(json.dumps(record.answer).encode())


# --- cuts -----------------------------------------------------------------------------------


def every_cut(record, error):
    """
    Cut *record*'s stream for *error* after each of its events but the last.

    Yields also whether the reason of the end had been told by then.
    """
    dialect = record.dialect
    facts = dialect.facts()
    for count, frame in enumerate(record.frames):
        if dialect.is_terminal_frame(frame):
            return
        facts.read(Chunk(dialect, frame))
        sent = record.frames[: count + 1]
        tracker = dialect.tracker(record.asked())
        for one in sent:
            tracker.note(one)
        end = [chunk.encode() for chunk in dialect.cut(tracker, error)]
        yield sent + end, facts.stop is not None


@pytest.mark.parametrize("record", RECORDINGS, ids=str)
def test_a_blocked_stream_is_a_refusal_at_every_event(record):
    """
    Wherever a guardrail cuts it, the SDK is content, and sees that what was said before was
    filtered; where the end had been told already it may raise instead.
    """
    sdk = sdk_of(record.dialect)
    whole = sdk.streamed(record.frames)

    cuts = list(every_cut(record, Blocked()))

    assert len(cuts) >= len(record.frames) - 2
    for cut, is_told in cuts:
        try:
            said = sdk.streamed(cut)
        except openai.APIError:
            assert is_told
            continue
        assert whole.text.startswith(said.text)
        assert whole.reasoning.startswith(said.reasoning)
        assert said.stop == "refused" or (is_told and said.stop == whole.stop)


@pytest.mark.parametrize("record", RECORDINGS, ids=str)
def test_a_broken_stream_raises_at_every_event(record):
    """
    Wherever its provider breaks off, the SDK raises its own exception, in either way to read.
    """
    sdk = sdk_of(record.dialect)

    for cut, _ in every_cut(record, UpstreamError("It broke off.")):
        with pytest.raises((openai.APIError, anthropic.APIError), match="broke off"):
            sdk.streamed(cut)


# --- frames ---------------------------------------------------------------------------------


def fed(parts):
    frames = Frames()
    out = [frame for part in parts for frame in frames.feed(part)]
    return [*out, *frames.finish()], frames.rest


@pytest.mark.parametrize("record", RECORDINGS, ids=str)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])
def test_a_stream_cut_at_any_byte_gives_the_same_events(record, line_end):
    """
    However the network cuts a stream, its frames are the same, and say what was recorded.
    """
    raw = b": hello\n\n" + b"".join(record.frames)
    raw = raw.replace(b"\n", line_end)
    once = fed([raw])

    for cut in range(1, len(raw)):
        assert fed([raw[:cut], raw[cut:]]) == once
    assert fed([raw[at : at + 1] for at in range(len(raw))]) == once
    assert (b"".join(once[0]), once[1]) == (raw, b"")
    chunks = [Chunk(record.dialect, frame) for frame in once[0]][1:]
    said = [
        (c.event and c.event.decode(), "[DONE]" if c.is_done else c.doc) for c in chunks
    ]
    assert said == [tuple(pair) for pair in record.stream]


# --- translation ----------------------------------------------------------------------------


def is_other(pair):
    return pair[0].dialect is not pair[1].dialect and pair[0].name == pair[1].name


#: What a provider said, and what was recorded of the caller's own dialect.
PAIRS = [
    pair
    for pair in product(
        [record for example in TRANSLATED for record in example.recordings()], repeat=2
    )
    if is_other(pair)
]
pairs = pytest.mark.parametrize(("given", "asked"), PAIRS, ids=str)


def translated(given, asked, losses):
    """
    Write the stream that *given* recorded to a caller who asked as *asked* did.
    """
    reader = given.dialect.stream_reader()
    writer = asked.dialect.stream_writer(asked.asked(), losses)
    return [
        out.encode()
        for frame in given.frames
        for event in reader.read(Chunk(given.dialect, frame))
        for out in writer.write(event)
    ]


@pairs
def test_a_translated_stream_says_what_the_untranslated_says(given, asked):
    """
    The caller's SDK makes of the translation what the provider's own makes of the original:
    words, parallel calls, reasoning, refusals, the reason of the end, what was used.
    """
    losses = Losses()
    frames = translated(given, asked, losses)

    assert sdk_of(asked.dialect).streamed(frames) == sdk_of(given.dialect).streamed(
        given.frames
    )
    assert losses.found == []


@pairs
def test_a_translated_stream_is_as_the_vendor_documents(given, asked):
    """
    Every event that is written passes the vendor's own types.
    """
    chunks = [Chunk(asked.dialect, f) for f in translated(given, asked, Losses())]

    for chunk in chunks:
        if not chunk.is_done:
            sdk_of(asked.dialect).event.validate_python(chunk.doc)


@pairs
def test_whole_and_streamed_are_translated_alike(given, asked):
    """
    A whole answer, translated, is the translated stream put together.
    """
    sdk = sdk_of(asked.dialect)
    raw = json.dumps(given.answer).encode()
    answer = given.dialect.read_answer(Response(given.dialect, raw))
    whole = asked.dialect.write_answer(answer, asked.asked(), Losses())

    frames = translated(given, asked, Losses())

    assert sdk.whole(whole.encode()) == sdk.streamed(frames)


@pytest.mark.parametrize(
    "record",
    [
        r
        for r in RECORDINGS
        if r.name in SCENES
        and r.dialect.name in {str(example) for example in TRANSLATED}
    ],
    ids=str,
)
def test_an_assembled_stream_is_the_whole_answer(record):
    """
    What plugins are shown of a stream when it is over is the answer that it would have been.
    """
    sdk = sdk_of(record.dialect)

    made = assembly.assemble(record.dialect, record.frames, record.asked())

    assert sdk.whole(made.encode()) == sdk.whole(json.dumps(record.answer).encode())
