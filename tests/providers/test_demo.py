from __future__ import annotations

import base64
import json
import math
import struct
import time

import pytest
from openai.types import CreateEmbeddingResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import TypeAdapter

from gateway.providers.demo import SAYS, DemoVendor

HELLO = [{"role": "user", "content": "Hello, world!"}]


class StoppedClock:
    def now(self) -> float:
        return 1_800_000_000.0

    def monotonic(self) -> float:
        return 0.0


async def ask(operation: str, document) -> tuple[int, dict[str, str], list[bytes]]:
    demo = DemoVendor(clock=StoppedClock(), pace_s=0.0)
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    status, headers, pieces = await demo.answer(operation, body)
    return status, headers, [piece async for piece in pieces]


async def chat(**more) -> tuple[int, dict]:
    document = {"model": "echo", "messages": HELLO, **more}
    status, _, pieces = await ask("generate", document)
    return status, json.loads(b"".join(pieces))


async def stream(**more) -> list[dict]:
    document = {"model": "echo", "messages": HELLO, "stream": True, **more}
    _, headers, pieces = await ask("generate", document)
    assert headers["content-type"].startswith("text/event-stream")
    assert pieces[-1] == b"data: [DONE]\n\n"
    return [json.loads(piece.removeprefix(b"data: ")) for piece in pieces[:-1]]


def words_of(events: list[dict], index: int = 0) -> str:
    choices = [c for event in events for c in event["choices"] if c["index"] == index]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


class TestChat:
    async def test_echoes_and_says_what_it_is(self):
        """
        The answer repeats the caller's words and leaves no doubt that no model spoke.
        """
        status, answer = await chat()

        assert status == 200
        assert answer["choices"][0]["message"]["content"] == f"{SAYS}Hello, world!"
        assert answer["choices"][0]["finish_reason"] == "stop"
        assert answer["created"] == 1_800_000_000

    async def test_is_an_answer_as_openai_types_it(self):
        """
        The official client's own types accept a whole answer and every event.
        """
        _, answer = await chat(n=2)
        events = await stream(stream_options={"include_usage": True})

        TypeAdapter(ChatCompletion).validate_python(answer)
        for event in events:
            TypeAdapter(ChatCompletionChunk).validate_python(event)

    async def test_counts_what_it_reads_and_writes(self):
        """
        Usage is counted from the texts: Hello , world ! are four tokens.
        """
        _, answer = await chat()
        said = len(await stream()) - 2  # one event a token, an opening, an end

        assert answer["usage"]["prompt_tokens"] == 4
        assert answer["usage"]["completion_tokens"] == said
        assert answer["usage"]["total_tokens"] == said + 4

    async def test_streams_the_same_words_token_by_token(self):
        """
        The pieces of a stream add up to the whole answer.
        """
        _, answer = await chat()
        events = await stream()

        assert words_of(events) == answer["choices"][0]["message"]["content"]
        assert len(events) > 15
        assert events[-1]["choices"][0]["finish_reason"] == "stop"

    @pytest.mark.parametrize("wanted", [True, False])
    async def test_streams_usage_if_asked(self, wanted):
        """
        Usage comes in an event of its own, as OpenAI sends it, and only then.
        """
        events = await stream(stream_options={"include_usage": wanted})
        _, answer = await chat()

        if wanted:
            assert events[-1]["choices"] == []
            assert events[-1]["usage"] == answer["usage"]
            assert all(event["usage"] is None for event in events[:-1])
        else:
            assert not any("usage" in event for event in events)

    @pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
    async def test_keeps_to_the_cap(self, field):
        """
        A capped answer ends early, says so, and costs no more than the cap.
        """
        _, answer = await chat(**{field: 3})

        assert answer["choices"][0]["finish_reason"] == "length"
        assert answer["choices"][0]["message"]["content"] == "This is the"
        assert answer["usage"]["completion_tokens"] == 3

    async def test_answers_several_choices(self):
        """
        Each of n choices is answered, whole and streamed, and each is counted.
        """
        _, one = await chat()
        _, two = await chat(n=2)
        events = await stream(n=2)

        assert [choice["index"] for choice in two["choices"]] == [0, 1]
        assert words_of(events, 0) == words_of(events, 1) != ""
        spent = one["usage"]["completion_tokens"]
        assert two["usage"]["completion_tokens"] == 2 * spent

    async def test_reads_parts_and_the_last_user_turn(self):
        """
        Text parts count as text, other parts are no words, and the last user speaks.
        """
        _, answer = await chat(
            messages=[
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "first"},
                {"role": "assistant", "content": None, "tool_calls": []},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "second"},
                        {"type": "image_url", "image_url": {"url": "data:,"}},
                    ],
                },
            ]
        )

        assert answer["choices"][0]["message"]["content"] == f"{SAYS}second"

    async def test_text_survives_whatever_it_is(self):
        """
        Blanks, signs and letters of any script come back as they came.
        """
        text = "  ta\tb\n\u4f60\u597d \U0001f600\u0301 x "

        events = await stream(messages=[{"role": "user", "content": text}])

        assert words_of(events) == SAYS + text

    async def test_answers_have_ids_of_their_own(self):
        """
        Two answers of one vendor are told apart.
        """
        demo = DemoVendor(pace_s=0.0)
        body = json.dumps({"model": "echo", "messages": HELLO}).encode()

        ids = set()
        for _ in range(3):
            _, _, pieces = await demo.answer("generate", body)
            ids |= {json.loads(piece)["id"] async for piece in pieces}

        assert len(ids) == 3

    async def test_real_clock_by_default(self):
        """
        Without a clock the machine's own dates the answer.
        """
        body = json.dumps({"model": "echo", "messages": HELLO}).encode()

        _, _, pieces = await DemoVendor().answer("generate", body)
        (answer,) = [json.loads(piece) async for piece in pieces]

        assert abs(answer["created"] - time.time()) < 60


class TestRefusals:
    @pytest.mark.parametrize(
        ("more", "status", "param"),
        [
            ({"model": "gpt-5"}, 404, "model"),
            ({"messages": []}, 400, "messages"),
            ({"messages": "hi"}, 400, "messages"),
            ({"messages": [7]}, 400, "messages"),
            ({"messages": [{"role": "user", "content": 7}]}, 400, "messages"),
            ({"n": 9}, 400, "n"),
            ({"n": True}, 400, "n"),
            ({"max_tokens": 0}, 400, "max_tokens"),
            ({"max_tokens": "many"}, 400, "max_tokens"),
            ({"tool_choice": "required"}, 400, "tool_choice"),
            ({"response_format": {"type": "json_object"}}, 400, "response_format"),
        ],
    )
    async def test_refuses_as_a_vendor_would(self, more, status, param):
        """
        What it cannot do is an error in OpenAI's shape that names the field.
        """
        got, answer = await chat(**more)

        assert got == status
        assert answer["error"]["param"] == param
        assert answer["error"]["type"] == "invalid_request_error"

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[]", b'{"model":"echo","model":"echo"}', b"\xff"]
    )
    async def test_refuses_bodies_that_are_none(self, body):
        """
        Bytes that are no JSON object are answered, never raised.
        """
        status, _, pieces = await ask("generate", body)

        assert status == 400
        assert "message" in json.loads(pieces[0])["error"]

    async def test_has_no_other_operation(self):
        """
        An operation that it does not have is not found.
        """
        status, _, _ = await ask("count_tokens", {"model": "echo"})

        assert status == 404

    @pytest.mark.parametrize("choice", ["auto", "none", None])
    async def test_offered_tools_are_no_demand(self, choice):
        """
        Tools may be offered; nothing obliges a model to call one.
        """
        status, _ = await chat(tools=[{"type": "function"}], tool_choice=choice)

        assert status == 200


class TestEmbeddings:
    async def embed(self, **more) -> tuple[int, dict]:
        status, _, pieces = await ask("embed", {"model": "embed", **more})
        return status, json.loads(pieces[0])

    async def test_equal_texts_have_equal_vectors(self):
        """
        A vector depends on its text alone, from one process to the next.
        """
        _, first = await self.embed(input=["a", "b", "a"])
        _, second = await self.embed(input="a")

        vectors = [row["embedding"] for row in first["data"]]
        assert vectors[0] == vectors[2] == second["data"][0]["embedding"]
        assert vectors[0] != vectors[1]
        assert vectors[0][:2] == pytest.approx([0.04036297, 0.07709750], abs=1e-7)

    async def test_vectors_have_length_one(self):
        """
        Similarity by dot product works as with a real vendor.
        """
        _, answer = await self.embed(input="some text", dimensions=64)

        vector = answer["data"][0]["embedding"]
        assert len(vector) == 64
        assert math.hypot(*vector) == pytest.approx(1.0, abs=1e-5)

    async def test_is_an_answer_as_openai_types_it(self):
        """
        The official client's own types accept the answer.
        """
        _, answer = await self.embed(input=["a", "b"])

        TypeAdapter(CreateEmbeddingResponse).validate_python(answer)

    async def test_encodes_as_base64(self):
        """
        The encoding that the official client asks for says the same numbers.
        """
        _, plain = await self.embed(input="a", dimensions=8)
        _, packed = await self.embed(input="a", dimensions=8, encoding_format="base64")

        raw = base64.b64decode(packed["data"][0]["embedding"])
        assert struct.unpack("<8f", raw) == tuple(plain["data"][0]["embedding"])

    @pytest.mark.parametrize(
        ("given", "rows", "tokens"),
        [
            ("two words", 1, 2),
            (["one", "two words"], 2, 3),
            ([5, 6, 7], 1, 3),
            ([[5, 6], [7]], 2, 3),
        ],
    )
    async def test_reads_texts_and_tokens(self, given, rows, tokens):
        """
        Texts, token numbers and lists of either are inputs, and each token counts.
        """
        _, answer = await self.embed(input=given)

        assert len(answer["data"]) == rows
        assert answer["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}

    @pytest.mark.parametrize(
        ("more", "status", "param"),
        [
            ({}, 400, "input"),
            ({"input": []}, 400, "input"),
            ({"input": [True]}, 400, "input"),
            ({"input": ["a"] * 2049}, 400, "input"),
            ({"input": "a", "dimensions": 4000}, 400, "dimensions"),
            ({"input": "a", "encoding_format": "hex"}, 400, "encoding_format"),
            ({"input": "a", "model": "echo"}, 404, "model"),
        ],
    )
    async def test_refuses_as_a_vendor_would(self, more, status, param):
        """
        What it cannot embed is an error that names the field.
        """
        got, answer = await self.embed(**more)

        assert (got, answer["error"]["param"]) == (status, param)
