from __future__ import annotations

import copy
import json

import httpx2
import openai
import pytest

from gateway.dialects.openai_completions import OpenAICompletions, token_numbers
from gateway.errors import Blocked, InvalidRequest, RateLimited, UpstreamError
from gateway.usage import Usage
from gateway.views import Chunk, Response

DIALECT = OpenAICompletions()
DONE = b"data: [DONE]\n\n"
FIRST = (0, 0, 0, "message")

REQUEST = {
    "model": "davinci-002",
    "prompt": ["Once upon", "a time"],
    "suffix": "the end",
    "stop": ["STOP IT"],
    "logit_bias": {"50256": -100},
    "stream": True,
    "stream_options": {"include_usage": True},
    "user": "user-1",
    "max_tokens": 9,
    "n": 2,
}
RESPONSE = {
    "id": "cmpl-1",
    "object": "text_completion",
    "created": 1763600000,
    "model": "davinci-002",
    "system_fingerprint": "fp_1",
    "choices": [
        {
            "index": 0,
            "text": "there was",
            "finish_reason": "stop",
            "logprobs": {
                "tokens": ["there", " was"],
                "token_logprobs": [-0.1, -0.2],
                "top_logprobs": [{"there": -0.1, " is": -1.0}],
                "text_offset": [0, 5],
            },
        },
        {"index": 1, "text": "a king", "finish_reason": "length", "logprobs": None},
    ],
    "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
}


def request(**fields):
    doc = {"model": "m", "prompt": "x", **fields}
    return DIALECT.read_request(json.dumps(doc).encode(), "complete")


def view(kind, doc):
    if kind is Chunk:
        return Chunk(DIALECT, b"data: %b\n\n" % json.dumps(doc).encode())
    return kind(DIALECT, doc=copy.deepcopy(doc))


def event(text, finish=None, index=0, **rest):
    choice = {"index": index, "text": text, "logprobs": None, "finish_reason": finish}
    return {**RESPONSE, "choices": [choice], "usage": None, **rest}


def frame(doc):
    return b"data: %b\n\n" % json.dumps(doc).encode()


def values(found):
    return [text.value for text in found.texts()]


def client(body, status=200, kind="text/event-stream"):
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(status, headers={"content-type": kind}, content=body)
    )
    http = httpx2.Client(transport=transport)
    return openai.OpenAI(api_key="x", http_client=http, max_retries=0)


def streamed(frames):
    with client(b"".join(frames)) as sdk:
        return list(sdk.completions.create(model="m", prompt="x", stream=True))


def cut(sent, error, **fields):
    tracker = DIALECT.tracker(request(**fields))
    for one in sent:
        tracker.note(one)
    return [chunk.encode() for chunk in DIALECT.cut(tracker, error)]


class TestRequests:
    @pytest.mark.parametrize(
        "fields",
        [
            {"prompt": 3},
            {"prompt": ["x"] * 2049},
            {"max_tokens": "9"},
            {"best_of": 0},
            {"n": 1.0},
        ],
        ids=["number", "too many", "cap", "best_of", "n"],
    )
    def test_refused(self, fields):
        """
        What bounds the cost must be what it seems to be.
        """
        with pytest.raises(InvalidRequest):
            request(**fields)

    @pytest.mark.parametrize(
        ("prompt", "are_tokens"),
        [
            ([1, 2], True),
            ([[1, 2], [3]], True),
            ([], False),
            (["x"], False),
            ([1, "x"], False),
            ([[1], ["x"]], False),
            ([True], False),
            ("x", False),
        ],
        ids=repr,
    )
    def test_token_numbers(self, prompt, are_tokens):
        """
        Lists of token numbers are told from texts, exactly.
        """
        assert token_numbers(prompt) is are_tokens

    @pytest.mark.parametrize(
        ("prompt", "named"),
        [("x", ()), (["x"], ()), ([1, 2], ("prompt",)), ([[1], "x"], ("prompt",))],
        ids=repr,
    )
    def test_what_nobody_can_read_is_named(self, prompt, named):
        """
        A prompt of token numbers has no texts, and is known as unreadable.
        """
        asked = request(prompt=prompt)

        assert tuple(DIALECT.unreadable(asked)) == named
        assert ("x" in values(asked)) is ("x" in prompt)

    def test_cap(self):
        """
        The cap is ``max_tokens``.
        """
        asked = request(max_tokens=9)

        asked.max_output_tokens = 3

        assert asked.max_output_tokens == 3
        assert json.loads(asked.encode())["max_tokens"] == 3

    def test_usage_is_asked_for(self):
        """
        A stream is asked to tell what it used.
        """
        asked = request(stream=True)

        assert DIALECT.ask_for_usage(asked)
        assert json.loads(asked.encode())["stream_options"] == {"include_usage": True}


class TestAnswers:
    def test_usage_and_stop(self):
        """
        A whole answer tells what was used, and the worst of its stops.
        """
        answer = view(Response, RESPONSE)

        assert DIALECT.usage_of(answer) == Usage(input=9, output=4)
        assert DIALECT.stop_of(answer).reason == "length"
        assert answer.finish_reasons == ["stop", "length"]
        assert answer.error is None

    @pytest.mark.parametrize(("kind", "form"), [(Response, "whole"), (Chunk, "delta")])
    def test_lanes(self, kind, form):
        """
        A choice's text is one lane, whole or in pieces.
        """
        texts = view(kind, RESPONSE).texts()

        assert [(text.lane, text.form) for text in texts] == [
            (FIRST, form),
            ((1, 0, 0, "message"), form),
        ]

    @pytest.mark.parametrize("kind", [Response, Chunk])
    def test_edit_blanks_log_probabilities(self, kind):
        """
        Whoever edits the text leaves no trace of it in the tokens beside it.
        """
        answer = view(kind, RESPONSE)

        answer.texts()[0].replace("[gone]")

        assert b"there" not in answer.encode()

    @pytest.mark.parametrize(
        ("doc", "ends"),
        [
            (event("x"), ()),
            (event("", "stop", 1), ((1,),)),
            ({"error": {"message": "x"}}, ((),)),
            ([], ()),
        ],
        ids=["piece", "finish", "error", "odd"],
    )
    def test_ends(self, doc, ends):
        """
        A choice ends where it finishes, and everything at an error.
        """
        assert view(Chunk, doc).ends() == ends

    def test_done(self):
        """
        The last frame ends everything.
        """
        assert Chunk(DIALECT, DONE).ends() == ((),)
        assert DIALECT.is_terminal_frame(DONE)

    def test_facts(self):
        """
        A stream tells usage and stop.
        """
        facts = DIALECT.facts()
        docs = [event("x"), event("", "stop"), {**RESPONSE, "choices": []}]
        for doc in docs:
            facts.read(view(Chunk, doc))

        assert facts.usage == Usage(input=9, output=4)
        assert facts.stop.reason == "end"
        assert DIALECT.is_usage_only(view(Chunk, docs[-1]))


class TestCut:
    @pytest.mark.parametrize("count", range(4))
    def test_blocked_at_every_event(self, count):
        """
        A guardrail's refusal finishes every open choice of every prompt.
        """
        docs = [event("a"), event("b", index=1), event("", "stop"), event("c", index=1)]
        sent = [frame(doc) for doc in docs[:count]]

        chunks = streamed([*sent, *cut(sent, Blocked(), prompt=["x", "y"])])

        reasons = {c.choices[0].index: c.choices[0].finish_reason for c in chunks}
        filtered = {0: "content_filter", 1: "content_filter"}
        assert reasons == (filtered if count < 3 else {**filtered, 0: "stop"})

    def test_failed(self):
        """
        Anything else makes the SDK raise its own exception.
        """
        sent = [frame(event("a"))]

        with pytest.raises(openai.APIError, match="failed"):
            streamed([*sent, *cut(sent, UpstreamError())])


class TestErrors:
    def test_ours(self):
        """
        The SDK raises the exception of the status.
        """
        response = DIALECT.error_response(RateLimited(), "req_1")

        with (
            client(response.encode(), response.status, "application/json") as sdk,
            pytest.raises(openai.RateLimitError),
        ):
            sdk.completions.create(model="m", prompt="x")

    def test_theirs(self):
        """
        A provider's error is read and written again.
        """
        fault = DIALECT.read_fault(404, b'{"error": {"message": "No model"}}')

        response = DIALECT.write_fault(fault, "req_1")

        assert response.error == "No model"
        assert response.status == 404
