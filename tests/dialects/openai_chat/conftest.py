"""
Examples, canaries and the vendor's own SDK, for the tests of OpenAI's chat completions.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path

import attrs
import httpx2
import openai
import pytest

from gateway.dialects.openai_chat import OpenAIChat
from gateway.neutral import (
    Ask,
    Close,
    Delta,
    End,
    Finish,
    Losses,
    Open,
    Start,
    Stop,
    TextBlock,
    Turn,
)
from gateway.views import Chunk, Request, Response

EXAMPLES = Path(__file__).parent / "examples"
CANARY = 'Canary, 4111 "said" so!'
DONE = b"data: [DONE]\n\n"


@attrs.frozen(kw_only=True)
class Limits:
    """
    What a catalog may know of a model.
    """

    max_output_tokens: int | None = None
    takes_sampling: bool | None = None
    reasons_adaptively: bool | None = None
    takes_effort: bool | None = None


class Kit:
    """
    Makes views and documents of the dialect.
    """

    canary = CANARY
    done = DONE

    def __init__(self) -> None:
        self.dialect = OpenAIChat()

    def example(self, name):
        return json.loads((EXAMPLES / f"{name}.json").read_text())

    # --- views ------------------------------------------------------------------------------

    def request(self, doc):
        return Request(self.dialect, doc=doc)

    def raw_request(self, raw):
        return self.dialect.read_request(raw, "generate")

    def response(self, doc, status=200):
        return Response(self.dialect, doc=doc, status=status)

    def frame(self, doc):
        return b"data: %b\n\n" % json.dumps(doc, separators=(",", ":")).encode()

    def chunk(self, doc):
        return Chunk(self.dialect, doc if isinstance(doc, bytes) else self.frame(doc))

    def event(self, delta=None, finish=None, index=0, **rest):
        choice = {"index": index, "delta": delta or {}, "finish_reason": finish}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1763600000,
            "model": "gpt-5-mini",
            "choices": [choice],
            **rest,
        }

    def usage_event(self, **usage):
        doc = {**self.event(), "choices": []}
        return {**doc, "usage": usage or {"prompt_tokens": 9, "completion_tokens": 3}}

    def call(self, index, arguments="", *, name=None, **rest):
        function = {"arguments": arguments, **({"name": name} if name else {})}
        return {"tool_calls": [{"index": index, **rest, "function": function}]}

    def values(self, view):
        return [text.value for text in view.texts()]

    # --- translation ------------------------------------------------------------------------

    def read(self, doc, *, strict=False):
        losses = Losses(strict)
        full = {"model": "m", "messages": [], **doc}
        return self.dialect.to_neutral(self.request(full), losses), losses

    def messages(self, *messages):
        ask, losses = self.read({"messages": list(messages)})
        return ask, losses

    def ask(self, *turns, dialect="anthropic_messages", **fields):
        turns = turns or (self.turn("user", "Hello"),)
        return Ask(model="gpt-x", turns=list(turns), dialect=dialect, **fields)

    def turn(self, role, *blocks):
        made = [TextBlock(text=b) if isinstance(b, str) else b for b in blocks]
        return Turn(role=role, blocks=made)

    def write(self, ask, **limits):
        losses = Losses()
        request = self.dialect.from_neutral(ask, losses, Limits(**limits))
        return request.doc, losses

    def asked(self, **fields):
        return self.request({"model": "m", "messages": [], **fields})

    def tools(self, *names):
        return [{"type": "function", "function": {"name": name}} for name in names]

    def events(self, docs):
        reader = self.dialect.stream_reader()
        chunks = [self.chunk(doc) for doc in docs]
        return [event for chunk in chunks for event in reader.read(chunk)]

    def written(self, events, **asked):
        losses = Losses()
        writer = self.dialect.stream_writer(self.asked(**asked), losses)
        return [chunk for event in events for chunk in writer.write(event)], losses

    def said(self, *blocks, stop=None):
        """
        Make the events of an answer of *blocks*, each a block and its pieces.
        """
        out = [Start("msg_1", "model-1", 1763600000)]
        for index, (block, *pieces) in enumerate(blocks):
            out += [Open(index, block), *(Delta(index, piece) for piece in pieces)]
            out.append(Close(index))
        return [*out, Finish(stop or Stop(reason="end")), End()]

    # --- the SDK ----------------------------------------------------------------------------

    def client(self, body, status=200, *, stream=False):
        kind = "text/event-stream" if stream else "application/json"
        transport = httpx2.MockTransport(
            lambda _: httpx2.Response(
                status, headers={"content-type": kind}, content=body
            )
        )
        http = httpx2.Client(transport=transport)
        return openai.OpenAI(api_key="x", http_client=http, max_retries=0)

    def accumulate(self, frames, *, is_final=True, **options):
        """
        Return the completion that the SDK accumulates from *frames*.

        If it is not to be final, it is shown before the SDK judges how it ended.
        """
        with (
            self.client(b"".join(frames), stream=True) as client,
            client.chat.completions.stream(
                model="m", messages=[{"role": "user", "content": "x"}], **options
            ) as stream,
        ):
            for _ in stream:
                pass
            if is_final:
                return stream.get_final_completion()
            return stream.current_completion_snapshot

    def iterate(self, frames):
        """
        Return the chunks that the SDK yields for ``stream=True``.
        """
        with self.client(b"".join(frames), stream=True) as client:
            return list(
                client.chat.completions.create(model="m", messages=[], stream=True)
            )

    def completion(self, doc):
        """
        Return *doc* as the SDK reads a whole answer.
        """
        with self.client(json.dumps(doc).encode()) as client:
            return client.chat.completions.create(model="m", messages=[])

    # --- documents --------------------------------------------------------------------------

    def strings(self, doc, path=()):
        """
        Yield the path of every string in *doc*.
        """
        if isinstance(doc, str):
            yield path
        elif isinstance(doc, dict):
            for key, value in doc.items():
                yield from self.strings(value, (*path, key))
        elif isinstance(doc, list):
            for index, value in enumerate(doc):
                yield from self.strings(value, (*path, index))

    def objects(self, doc, path=()):
        """
        Yield the path of every object in *doc*.
        """
        if isinstance(doc, dict):
            yield path
            for key, value in doc.items():
                yield from self.objects(value, (*path, key))
        elif isinstance(doc, list):
            for index, value in enumerate(doc):
                yield from self.objects(value, (*path, index))

    def changed(self, doc, path, change):
        """
        Return a copy of *doc* in which *change* was made to what stands at *path*.
        """
        twin = copy.deepcopy(doc)
        if not path:
            return change(twin)
        box = twin
        for step in path[:-1]:
            box = box[step]
        box[path[-1]] = change(box[path[-1]])
        return twin


@pytest.fixture
def kit():
    return Kit()
