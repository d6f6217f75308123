"""
Ways round a guardrail in what is asked: fields and endpoints, 1 to 20 of the checklist.
"""

from __future__ import annotations

import base64
import json

import pytest
from aiohttp import ClientSession, WSServerHandshakeError
from bypasses import (
    CALL,
    COMPLETIONS,
    COUNT,
    EMBEDDINGS,
    HI,
    PLAIN_CALL,
    RESULT,
    RULES,
    USE,
    VERSION,
    WORD,
    chat,
    messages,
    responses,
    user,
)


def encoded(head=""):
    return head + base64.b64encode(f"a {WORD}".encode()).decode()


def shown(**source):
    return messages(user([{"type": "image", "source": source}]))


TEXT = encoded("data:text/plain;base64,")
SHEET = {"type": "input_image", "image_url": encoded("data:application/json;base64,")}
SOUND = {"type": "input_audio", "input_audio": {"data": encoded(), "format": "wav"}}
#: Number, and the request that carries the word somewhere.
REQUESTS = [
    (1, chat(user(WORD), {"role": "assistant", "content": "ok"}, HI)),
    (1, messages(user(WORD), {"role": "assistant", "content": "ok"}, HI)),
    (2, chat({"role": "system", "content": WORD}, HI)),
    (2, chat({"role": "developer", "content": WORD}, HI)),
    (2, messages(HI, system=WORD)),
    (2, messages(HI, system=[{"type": "text", "text": WORD}])),
    (2, responses("hi", instructions=WORD)),
    (3, chat(user([{"type": "text", "text": "a"}, {"type": "text", "text": WORD}]))),
    (
        3,
        messages(user([{"type": "text", "text": "a"}, {"type": "text", "text": WORD}])),
    ),
    (3, responses([user([{"type": "input_text", "text": WORD}])])),
    (4, chat(user("hi", content_blocks=[{"text": WORD}]))),
    (4, chat(HI, never_heard_of={"deep": [WORD]})),
    (4, messages(user([{"type": "brand_new", "words": WORD}]))),
    (5, chat(HI, {"role": "assistant", "content": WORD})),
    (5, messages(HI, {"role": "assistant", "content": WORD})),
    (5, chat(user("hi", name=WORD))),
    (
        6,
        chat(
            HI,
            {"role": "assistant", "tool_calls": [PLAIN_CALL]},
            {"role": "tool", "tool_call_id": "c", "content": WORD},
        ),
    ),
    (
        6,
        messages(
            HI,
            {"role": "assistant", "content": [{**USE, "input": {}}]},
            user([{**RESULT, "content": WORD}]),
        ),
    ),
    (
        6,
        messages(
            HI,
            {"role": "assistant", "content": [{**USE, "input": {}}]},
            user([{**RESULT, "content": [{"type": "text", "text": WORD}]}]),
        ),
    ),
    (
        6,
        responses(
            [
                HI,
                {
                    "type": "function_call",
                    "call_id": "c",
                    "name": "f",
                    "arguments": "{}",
                },
                {"type": "function_call_output", "call_id": "c", "output": WORD},
            ]
        ),
    ),
    (
        7,
        chat(
            HI,
            {"role": "assistant", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c", "content": "ok"},
        ),
    ),
    (
        7,
        messages(
            HI,
            {"role": "assistant", "content": [USE]},
            user([{**RESULT, "content": "ok"}]),
        ),
    ),
    (
        7,
        responses(
            [
                HI,
                {
                    "type": "function_call",
                    "call_id": "c",
                    "name": "f",
                    "arguments": json.dumps({"q": WORD}),
                },
            ]
        ),
    ),
    (
        7,
        chat(
            HI,
            tools=[
                {"type": "function", "function": {"name": "f", "description": WORD}}
            ],
        ),
    ),
    (
        7,
        chat(
            HI,
            tools=[
                {
                    "type": "function",
                    "function": {
                        "name": "f",
                        "parameters": {
                            "type": "object",
                            "properties": {"a": {"enum": [WORD]}},
                        },
                    },
                }
            ],
        ),
    ),
    (
        7,
        messages(
            HI,
            tools=[
                {
                    "name": "f",
                    "input_schema": {
                        "type": "object",
                        "properties": {"a": {"default": WORD}},
                    },
                }
            ],
        ),
    ),
    (
        9,
        chat(
            HI,
            response_format={
                "type": "json_schema",
                "json_schema": {
                    "name": "s",
                    "schema": {"type": "object", "description": WORD},
                },
            },
        ),
    ),
    (8, chat(user([{"type": "image_url", "image_url": {"url": TEXT}}]))),
    (8, chat(user([SOUND]))),
    (8, responses([user([{"type": "input_image", "image_url": TEXT}])])),
    (8, responses([user([SHEET])])),
    (8, shown(type="base64", media_type="text/plain", data=encoded())),
    (8, shown(type="base64", media_type="image/png", data=encoded())),
    (8, shown(type="url", url=encoded("DATA:text/plain;base64,"))),
    (9, chat(HI, prediction={"type": "content", "content": WORD})),
    (9, chat(HI, metadata={"a": WORD})),
    (9, chat(HI, user=WORD)),
    (9, chat(HI, stop=[WORD])),
    (9, chat(HI, logit_bias={WORD: 1})),
    (10, ("/anthropic/v1/messages", messages(user(WORD))[1])),
    (10, ("/openai/v1/chat/completions", chat(user(WORD))[1])),
    (11, (COMPLETIONS, {"model": "openai/m", "prompt": WORD})),
    (11, (COMPLETIONS, {"model": "openai/m", "prompt": ["a", WORD]})),
    (12, (EMBEDDINGS, {"model": "openai/m", "input": WORD})),
    (12, (EMBEDDINGS, {"model": "openai/m", "input": ["a", WORD]})),
    (13, responses(WORD)),
    (13, responses([user(WORD)])),
    (14, messages(user(WORD))),
    (20, (COUNT, {"model": "anthropic/m", "messages": [user(WORD)]})),
]


@pytest.mark.parametrize(("number", "asked"), REQUESTS, ids=str)
async def test_words_in_a_request(start, fake, number, asked):
    """
    1 to 14 and 20: wherever the word stands, the request is refused, and nobody is asked.
    """
    path, document = asked
    client = await start()

    answer = await client.post(path, document, VERSION)

    assert (answer.status, answer.headers.get("x-gw-code")) == (
        400,
        "guardrail_blocked",
    )
    assert WORD.encode() not in answer.body
    assert list(fake.requests) == []


@pytest.mark.parametrize("is_mandatory", [False, True])
async def test_8_images(start, fake, is_mandatory):
    """
    8: what no detector can read is refused where the rule is mandatory, and noted where it is not.
    """
    rules = {"w": {**RULES["words"], "stages": ["input"], "mandatory": is_mandatory}}
    client = await start(rules)
    image = {
        "type": "image_url",
        "image_url": {"url": "data:image/gif;base64,R0lGODlh"},
    }

    answer = await client.post(*chat(user([image])))

    expected = (400, "guardrail_unenforceable") if is_mandatory else (200, None)
    assert (answer.status, answer.headers.get("x-gw-code")) == expected


@pytest.mark.parametrize(
    ("number", "asked"),
    [
        (11, (COMPLETIONS, {"model": "openai/m", "prompt": [1, 2, 3]})),
        (11, (COMPLETIONS, {"model": "openai/m", "prompt": [[1], [2]]})),
        (12, (EMBEDDINGS, {"model": "openai/m", "input": [[1, 2]]})),
    ],
    ids=str,
)
async def test_token_numbers(start, fake, number, asked):
    """
    11 and 12: words that nobody can read do not pass unread.
    """
    client = await start()

    answer = await client.post(*asked)

    assert answer.headers["x-gw-code"] == "guardrail_unenforceable"
    assert list(fake.requests) == []


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/rerank", "/v1/images/generations", "/v1/audio/speech"),
        *("/v1/audio/transcriptions", "/v1/moderations", "/v1/assistants"),
        *("/v1/files", "/v1/batches", "/v1/fine_tuning/jobs", "/v1/realtime/sessions"),
        *("/v1/anything", "/openai/passthrough/x", "/mcp", "/v1/threads/t/runs"),
    ],
)
async def test_endpoints_that_nobody_guards_do_not_exist(start, fake, path):
    """
    15, 16, 17 and 19: there is no way through to a provider but the routes that are guarded.
    """
    client = await start()

    answer = await client.post(path, {"model": "openai/m", "input": WORD})

    assert answer.status in {404, 405, 501}
    assert list(fake.requests) == []


async def test_18_websockets(start, fake):
    """
    18: not spoken here.
    """
    client = await start()

    async with ClientSession() as session:
        with pytest.raises(WSServerHandshakeError) as refused:
            await session.ws_connect(f"{client.url}/v1/responses")

    assert refused.value.status == 426
