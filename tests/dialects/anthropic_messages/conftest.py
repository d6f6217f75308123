"""
Examples, canaries and the vendor's own SDK, for the tests of Anthropic's dialect.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path

import anthropic
import attrs
import httpx2
import pytest

from gateway.dialects.anthropic_messages import AnthropicMessages
from gateway.neutral import Ask, Losses, TextBlock, Turn
from gateway.views import Chunk, Request, Response

EXAMPLES = Path(__file__).parent / "examples"
CANARY = 'Canary, 4111 "said" so!'


@attrs.frozen(kw_only=True)
class Limits:
    """
    What a catalog may know of a model.
    """

    max_output_tokens: int | None = None
    takes_sampling: bool | None = None
    reasons_adaptively: bool | None = None


class Kit:
    """
    Makes views and documents of the dialect.
    """

    canary = CANARY
    limits = Limits

    def __init__(self) -> None:
        self.dialect = AnthropicMessages()

    def example(self, name):
        return json.loads((EXAMPLES / f"{name}.json").read_text())

    def request(self, doc, operation="generate"):
        return Request(self.dialect, doc=doc, operation=operation)

    def response(self, doc):
        return Response(self.dialect, doc=doc)

    def asked(self, *tools):
        return self.request(
            {
                "model": "claude-asked",
                "max_tokens": 9,
                "messages": [],
                "tools": [{"name": name} for name in tools],
            }
        )

    def frame(self, event):
        name, body = event["type"].encode(), json.dumps(event).encode()
        return b"event: %b\ndata: %b\n\n" % (name, body)

    def chunk(self, event):
        return Chunk(self.dialect, self.frame(event))

    def ask(self, *turns, **fields):
        turns = turns or (self.user("Hello"),)
        return Ask(model="claude-x", turns=list(turns), dialect="openai_chat", **fields)

    def user(self, *blocks):
        return self.turn("user", *blocks)

    def turn(self, role, *blocks):
        made = [TextBlock(text=b) if isinstance(b, str) else b for b in blocks]
        return Turn(role=role, blocks=made)

    def write(self, ask, **limits):
        losses = Losses()
        limits.setdefault("max_output_tokens", 8192)
        request = self.dialect.from_neutral(ask, losses, Limits(**limits))
        return request.doc, losses

    def read(self, doc):
        losses = Losses()
        full = {"model": "m", "max_tokens": 9, "messages": [], **doc}
        return self.dialect.to_neutral(self.request(full), losses), losses

    def stream_events(self, events):
        reader = self.dialect.stream_reader()
        return [out for event in events for out in reader.read(self.chunk(event))]

    def written(self, events, asked=None):
        losses = Losses()
        writer = self.dialect.stream_writer(asked or self.asked(), losses)
        return [chunk for event in events for chunk in writer.write(event)], losses

    def client(self, body, status=200, stream=False):
        kind = "text/event-stream" if stream else "application/json"
        transport = httpx2.MockTransport(
            lambda _: httpx2.Response(
                status, headers={"content-type": kind}, content=body
            )
        )
        http = httpx2.Client(transport=transport)
        return anthropic.Anthropic(api_key="x", http_client=http, max_retries=0)

    def final(self, frames):
        """
        Return the message that the SDK accumulates from *frames*.
        """
        with (
            self.client(b"".join(frames), stream=True) as client,
            client.messages.stream(
                model="m", max_tokens=9, messages=[{"role": "user", "content": "x"}]
            ) as stream,
        ):
            for _ in stream:
                pass
            return stream.get_final_message()

    def create(self, body, status=200):
        with self.client(body, status) as client:
            return client.messages.create(
                model="m", max_tokens=9, messages=[{"role": "user", "content": "x"}]
            )

    def strings(self, doc, path=()):
        """
        List the paths of all strings in *doc*.
        """
        if isinstance(doc, str):
            return [path]
        items = (
            doc.items()
            if isinstance(doc, dict)
            else enumerate(doc)
            if isinstance(doc, list)
            else ()
        )
        return [p for key, value in items for p in self.strings(value, (*path, key))]

    def objects(self, doc, path=()):
        """
        List the paths of all objects in *doc*.
        """
        items = (
            doc.items()
            if isinstance(doc, dict)
            else enumerate(doc)
            if isinstance(doc, list)
            else ()
        )
        inner = [p for key, value in items for p in self.objects(value, (*path, key))]
        return [path, *inner] if isinstance(doc, dict) else inner

    def planted(self, doc, path, value=CANARY):
        """
        Return a copy of *doc* with *value* at *path*.
        """
        doc = copy.deepcopy(doc)
        box = doc
        for step in path[:-1]:
            box = box[step]
        box[path[-1]] = value
        return doc

    def missed(self, doc, texts_of):
        """
        List where a canary, planted at every string and every new key, is not found.
        """
        strings = self.strings(doc)
        values = [(*path, "a_new_key") for path in self.objects(doc)]
        names = [(*path, CANARY) for path in self.objects(doc)]
        plants = [(path, CANARY) for path in (*strings, *values)]
        plants += [(path, 1) for path in names]
        return [
            path
            for path, value in plants
            if not seen(CANARY, texts_of(self.planted(doc, path, value)))
        ]


def seen(canary, texts):
    return any(canary in text.value for text in texts)


@pytest.fixture
def kit():
    return Kit()
