"""
A toy dialect, streams in it, and redactors, for the tests of filters.
"""

from __future__ import annotations

import json
import re
from types import MappingProxyType, SimpleNamespace

import attrs
import pytest

from gateway.dialects import Dialect
from gateway.filters import Edit, Pipeline, TextFilter
from gateway.views import Chunk, Response, Span, Text

LANE = (0, 0, 0, "message")
CARD = re.compile(r"(?<!\d)\d{4}(?:[ -]?\d{4}){3}(?!\d)")
CARD_BEGUN = re.compile(r"(?<!\d)\d[\d -]{0,20}\Z|\d\Z")


class Toy(Dialect):
    """
    A wire format that says outright what other dialects imply.
    """

    name = "toy"
    vendor = "toy"
    operations = ("generate",)
    path = MappingProxyType({})

    def texts_of(self, view):
        return [
            Text(
                view,
                box,
                "text",
                box.get("kind", "message"),
                "assistant",
                tuple(box["lane"]),
                box["form"],
                box.get("sealed", False),
                (lambda box=box: box.update(probs=None)) if "probs" in box else None,
                box.get("json", False),
            )
            for box in view.doc.get("texts", ())
        ]

    def spans_of(self, view):
        return [
            Span(lane=tuple(box["lane"]), box=box, start="start", end="end")
            for box in view.doc.get("spans", ())
        ]

    def chunk_ends(self, chunk):
        return [tuple(prefix) for prefix in chunk.doc.get("ends", ())]

    def chunk_texts(self, chunk):
        texts = self.texts_of(chunk)
        others = chunk.doc.get("ends") or chunk.doc.get("spans")
        chunk.is_plain = [text.form for text in texts] == ["delta"] and not others
        return texts

    request_texts = response_texts = texts_of
    chunk_spans = response_spans = spans_of
    error_response = read_fault = write_fault = None


TOY = Toy()


class ToyStream:
    """
    Frames in the making; every method returns the stream.
    """

    def __init__(self):
        self.frames = []

    def event(self, **doc):
        raw = json.dumps({"n": len(self.frames), **doc}).encode()
        self.frames.append(b"data: %b\n\n" % raw)
        return self

    def text(self, text, form, lane=LANE, ends=(), **rest):
        boxes = [{"text": text, "form": form, "lane": lane, **rest}]
        return self.event(texts=boxes, ends=list(ends))

    def delta(self, text, lane=LANE, **rest):
        return self.text(text, "delta", lane, **rest)

    def deltas(self, texts, lane=LANE, **rest):
        for text in texts:
            self.delta(text, lane, **rest)
        return self

    def repeat(self, text, lane=LANE, **rest):
        return self.text(text, "repeat", lane, **rest)

    def whole(self, text, lane=LANE, **rest):
        return self.text(text, "whole", lane, **rest)

    def span(self, start, end, lane=LANE):
        return self.event(spans=[{"lane": lane, "start": start, "end": end}])

    def end(self, *prefix):
        return self.event(ends=[prefix])


@attrs.define
class Sent:
    """
    What a caller got: frames, and what a client makes of them.
    """

    frames: list
    dialect: Dialect = TOY

    def chunks(self):
        return [Chunk(self.dialect, frame) for frame in self.frames]

    def docs(self):
        return [chunk.doc for chunk in self.chunks()]

    def texts(self, form):
        return [
            (text.lane, text.value)
            for chunk in self.chunks()
            for text in chunk.texts()
            if text.form == form
        ]

    def lanes(self):
        out = {}
        for lane, value in self.texts("delta"):
            out[lane] = out.get(lane, "") + value
        return out

    def repeats(self):
        return self.texts("repeat")

    def spans(self):
        return [
            tuple(span.box.get(key) for key in (span.start, span.end) if key)
            for chunk in self.chunks()
            for span in chunk.spans()
        ]

    def text(self):
        return "".join(value for _, value in self.texts("delta"))

    def prefixes(self):
        """
        Each lane's text, as it stood after each event that was sent.
        """
        at = {}
        for lane, value in self.texts("delta"):
            at[lane] = at.get(lane, "") + value
            yield lane, at[lane]

    @property
    def raw(self):
        return b"".join(self.frames)


def pipeline_of(filters):
    if isinstance(filters, Pipeline):
        return filters
    return Pipeline(filters if isinstance(filters, list) else [filters])


async def reads_of(filters, frames, read=1, dialect=TOY):
    """
    Feed *frames*, *read* at a time; return what left after each read, the flush last.
    """
    pipeline = pipeline_of(filters)
    out = []
    for at in range(0, len(frames), read):
        chunks = [Chunk(dialect, frame) for frame in frames[at : at + read]]
        out.append([chunk.encode() for chunk in await pipeline.feed(chunks)])
    out.append([chunk.encode() for chunk in await pipeline.flush()])
    return out


async def run(filters, stream, read=1, dialect=TOY):
    frames = stream.frames if isinstance(stream, ToyStream) else stream
    reads = await reads_of(filters, frames, read, dialect)
    return Sent([frame for frames in reads for frame in frames], dialect)


class Cards(TextFilter):
    """
    Masks card numbers, and holds back what may be the beginning of one.
    """

    pattern = CARD
    begun = CARD_BEGUN
    new = "[card]"

    def find(self, text, start, final):
        begun = None if final else self.begun.search(text, start)
        safe = begun.start() if begun else len(text)
        matches = self.pattern.finditer(text, start)
        return [Edit(*match.span(), self.new) for match in matches], safe


class LazyCards(Cards):
    """
    Masks card numbers, and always holds back as much as the longest may have.
    """

    def find(self, text, start, final):
        safe = len(text) if final else max(start, len(text) - 21)
        edits = []
        for match in self.pattern.finditer(text, start):
            if match.start() >= safe:
                break
            if match.end() < len(text) or final:  # it cannot grow
                safe = max(safe, match.end())
            edits.append(Edit(*match.span(), self.new))
        return edits, safe


class Words(Cards):
    """
    Replaces one word by another.
    """

    def __init__(self, old, new):
        self.pattern = re.compile(re.escape(old))
        starts = "|".join(re.escape(old[:n]) for n in range(len(old) - 1, 0, -1))
        self.begun = re.compile(rf"(?:{starts})\Z")
        self.new = new


def splits(text):
    """
    Cut *text* in two at every place.
    """
    for cut in range(len(text) + 1):
        yield [part for part in (text[:cut], text[cut:]) if part]


def random_parts(rng, text, longest=7):
    parts = []
    while text:
        size = rng.randint(1, longest)
        parts.append(text[:size])
        text = text[size:]
    return parts


def whole(doc):
    return Response(TOY, json.dumps(doc).encode())


@pytest.fixture
def kit():
    return SimpleNamespace(
        CARD=CARD,
        Cards=Cards,
        LANE=LANE,
        LazyCards=LazyCards,
        Sent=Sent,
        TOY=TOY,
        ToyStream=ToyStream,
        Words=Words,
        random_parts=random_parts,
        reads_of=reads_of,
        run=run,
        splits=splits,
        whole=whole,
    )


@pytest.fixture(params=["opener", "fixed"])
def cards(request):
    """
    Makes card redactors, of either way to hold back.
    """
    return {"opener": Cards, "fixed": LazyCards}[request.param]
