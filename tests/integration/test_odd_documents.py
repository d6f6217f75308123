"""
What a provider sends that it should not: odd values anywhere in answers and events.

Over the registry and the examples of `test_every_dialect`, so that a new dialect is covered.
"""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
import recordings

from gateway.dialects import Dialect, core_dialects
from gateway.errors import Blocked, UpstreamError
from gateway.views import Chunk, Response

EXAMPLES = [recordings.Example.of(dialect) for dialect in core_dialects()]
#: What may stand in the place of any value, and be all of a document.
ODD = (None, True, 7, "\ud800", [], {}, [[]], [{}], [7], {"a": 7})
ODD_DOCUMENTS = (*ODD, [1, 2, 3], {"type": 7}, {"type": "\ud800"}, {"index": [7]})


def event_of(dialect, name, doc):
    head = f"event: {name}\n" if name else ""
    return Chunk(dialect, f"{head}data: {json.dumps(doc)}\n\n".encode())


def answer_of(dialect, name, doc):
    return Response(dialect, json.dumps(doc).encode())


def spoilt(doc, tried):
    """
    Change *doc* in one place after the other, unless its like is among those that were *tried*.
    """
    for _, kinds, box in list(recordings.places(doc)):
        for key in range(len(box)) if isinstance(box, list) else list(box):
            like = doc.get("type"), kinds, "*" if isinstance(box, list) else key
            if like in tried:
                continue
            tried.add(like)
            before = box[key]
            for box[key] in ODD:
                yield
            box[key] = before


def views(example):
    """
    Yield answers and events of *example*'s dialect with something odd in each.
    """
    dialect, events, tried = example.dialect, example.events(), set()
    for odd in ODD_DOCUMENTS:
        yield answer_of(dialect, None, odd)
        for name in {name for name, _ in events} | ({None} if events else set()):
            yield event_of(dialect, name, odd)
    answers = [(answer_of, None, doc) for doc in example.docs("responses")]
    for view_of, name, doc in [*answers, *((event_of, *pair) for pair in events)]:
        for part in recordings.slices(doc):
            for _ in spoilt(part, tried):
                yield view_of(dialect, name, part)


def read_event(chunk, asked):
    """
    Do with an event all that is done in a stream that is not translated.
    """
    lanes = [*(text.lane for text in chunk.texts()), *chunk.ends()]
    hash((chunk.is_terminal, *lanes, *(span.lane for span in chunk.spans())))
    chunk.dialect.facts().read(chunk)
    for error in (Blocked(), UpstreamError("It broke off.")):
        tracker = chunk.dialect.tracker(asked)
        tracker.note(chunk.encode())
        for cut in chunk.dialect.cut(tracker, error):
            cut.encode()


def read_answer(response):
    """
    Do with an answer all that is done with one that is not translated.
    """
    lanes = [part.lane for part in (*response.texts(), *response.spans())]
    hash((response.error, *response.finish_reasons, *lanes))
    response.dialect.usage_of(response)
    response.dialect.stop_of(response)


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_nothing_that_a_provider_sends_breaks_a_reader(example):
    """
    Whatever stands in the place of any value, answers and events are listed, measured and cut.
    """
    asked = [record.asked() for record in example.recordings()][:1]

    count = 0
    for view in views(example):
        count += 1
        if isinstance(view, Response):
            read_answer(view)
        else:
            read_event(view, *asked)

    assert count > 100


TRANSLATED = [
    example
    for example in EXAMPLES
    if type(example.dialect).stream_writer is not Dialect.stream_writer
]


@pytest.mark.parametrize("example", TRANSLATED, ids=str)
def test_translators_say_only_that_they_cannot_read(example):
    """
    They raise what the relay takes for a provider's fault, and never blame the caller.
    """
    dialect = example.dialect

    for view in views(example):
        with suppress(ValueError, TypeError, UpstreamError):
            if isinstance(view, Response):
                dialect.read_answer(view)
            else:
                list(dialect.stream_reader().read(view))
