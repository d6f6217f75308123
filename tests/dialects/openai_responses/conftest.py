"""
Examples, canaries and the vendor's own SDK, for the tests of OpenAI's Responses.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path

import attrs
import httpx2
import openai
import pytest
from openai.types.responses import Response as SdkResponse
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from gateway.dialects.openai_responses import OpenAIResponses
from gateway.neutral import Ask, Losses, TextBlock, Turn
from gateway.views import Chunk, Request, Response

EXAMPLES = Path(__file__).parent / "examples"
EVENT = TypeAdapter(ResponseStreamEvent)
RESPONSE = TypeAdapter(SdkResponse)


@attrs.frozen(kw_only=True)
class Limits:
    """
    What a catalog may know of a model.
    """

    max_output_tokens: int | None = None
    takes_sampling: bool | None = None
    reasons_adaptively: bool | None = None


class FixedClock:
    """
    It is always the same time.
    """

    def now(self):
        return 1_763_600_000.5

    def monotonic(self):
        return 1.0


class Kit:
    """
    Makes views and documents of the dialect.
    """

    canary = 'Canary, 4111 "said" so!'
    limits = Limits()

    def __init__(self):
        self.dialect = OpenAIResponses(FixedClock())

    # --- documents --------------------------------------------------------------------------

    def example(self, name):
        return json.loads((EXAMPLES / f"{name}.json").read_text())

    def events(self):
        return self.example("stream")["events"]

    def request(self, **members):
        return Request(self.dialect, doc={"model": "gpt-5.5", **members})

    def response(self, doc):
        return Response(self.dialect, doc=doc)

    def frame(self, event):
        name, body = event["type"].encode(), json.dumps(event).encode()
        return b"event: %b\ndata: %b\n\n" % (name, body)

    def chunk(self, event):
        return Chunk(self.dialect, self.frame(event))

    def received(self, frame):
        return Chunk(self.dialect, frame)

    # --- neutral values ---------------------------------------------------------------------

    def ask(self, *blocks, **fields):
        said = [TextBlock(text=b) if isinstance(b, str) else b for b in blocks]
        turns = [Turn(role="user", blocks=said or [TextBlock(text="Hello")])]
        return Ask(**{"model": "m", "turns": turns, "dialect": "other", **fields})

    def written(self, ask, losses=None, limits=None):
        losses = losses or Losses()
        return self.dialect.from_neutral(ask, losses, limits or self.limits).doc

    def read(self, losses=None, **members):
        return self.dialect.to_neutral(self.request(**members), losses or Losses())

    def stream(self, events, asked=None, losses=None):
        writer = self.dialect.stream_writer(
            asked or self.request(input="Hello"), losses or Losses()
        )
        return [chunk for event in events for chunk in writer.write(event)]

    def read_stream(self, events):
        reader = self.dialect.stream_reader()
        return [event for one in events for event in reader.read(self.chunk(one))]

    # --- the vendor's SDK -------------------------------------------------------------------

    def valid_event(self, doc):
        return EVENT.validate_python(copy.deepcopy(doc))

    def valid_response(self, doc):
        return RESPONSE.validate_python(copy.deepcopy(doc))

    def client(self, frames, status=200, kind="text/event-stream"):
        def answer(request):
            return httpx2.Response(
                status, headers={"content-type": kind}, content=b"".join(frames)
            )

        transport = httpx2.MockTransport(answer)
        return openai.OpenAI(
            api_key="x",
            max_retries=0,
            http_client=httpx2.Client(transport=transport),
        )

    # --- canaries ---------------------------------------------------------------------------

    def places(self, doc, path=()):
        """
        List the path of every string in *doc*.
        """
        if isinstance(doc, str):
            return [path]
        members = doc.items() if isinstance(doc, dict) else enumerate(doc)
        return [
            place
            for key, value in members
            if isinstance(value, str | dict | list)
            for place in self.places(value, (*path, key))
        ]

    def objects(self, doc, path=()):
        """
        List the path of every object in *doc*.
        """
        if not isinstance(doc, dict | list):
            return []
        members = doc.items() if isinstance(doc, dict) else enumerate(doc)
        inner = [
            place
            for key, value in members
            for place in self.objects(value, (*path, key))
        ]
        return [path, *inner] if isinstance(doc, dict) else inner

    def planted(self, doc, path, value):
        """
        Return *doc* with *value* at *path*.
        """
        doc = copy.deepcopy(doc)
        node = doc
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = value
        return doc

    def missed(self, doc, view_of):
        """
        List the strings of *doc* that hide a canary.

        One planted in their place does not come out as a text, or does not go when that text
        is replaced.
        """
        missed = []
        for path in self.places(doc):
            view = view_of(self.planted(doc, path, self.canary))
            texts = [text for text in view.texts() if self.canary in text.value]
            for text in texts:
                if not text.sealed:
                    text.replace("gone")
            if not texts or (
                b"Canary" in view.encode() and not any(text.sealed for text in texts)
            ):
                missed.append(path)
        return missed

    def unheard_of(self, doc, view_of):
        """
        List the objects of *doc* in which a new member does not come out as two texts.
        """
        missed = []
        for path in self.objects(doc):
            planted = self.planted(doc, (*path, "brand new"), [{"deep": self.canary}])
            view = view_of(planted)
            values = [text.value for text in view.texts()]
            if self.canary not in values or "brand new" not in values:
                missed.append(path)
        return missed


@pytest.fixture
def kit():
    return Kit()
