"""
A provider's answer that says a key twice: readers differ in which value they take.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from bypasses import natively

from gateway.testing import Script

HIDDEN = '"mail jane.doe@corp.example"'
SHOWN = '"all is well"'
ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}]}
CHAT = (
    '{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,'
    '"finish_reason":"stop","message":{"role":"assistant","content":@}}]}'
)
MESSAGES = (
    '{"id":"msg_1","type":"message","role":"assistant","model":"m",'
    '"stop_reason":"end_turn","content":[{"type":"text","text":@}]}'
)
RESPONSES = (
    '{"id":"resp_1","object":"response","status":"completed","model":"m","output":'
    '[{"type":"message","id":"msg_1","role":"assistant","content":'
    '[{"type":"output_text","annotations":[],"text":@}]}]}'
)
CHUNKS = (
    'data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":'
    '[{"index":0,"delta":{"content":@},"finish_reason":null}]}\n\n'
    'data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":'
    '[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)
EVENTS = (
    'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1",'
    '"type":"message","role":"assistant","model":"m","content":[],'
    '"usage":{"input_tokens":1,"output_tokens":1}}}\n\n'
    'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
    '"content_block":{"type":"text","text":""}}\n\n'
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    '"delta":{"type":"text_delta","text":@}     }\n\n'
    'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
    'event: message_delta\ndata: {"type":"message_delta","delta":'
    '{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}\n\n'
    'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
CASES = {
    "chat": ("/v1/chat/completions", "openai", CHAT, ASKED),
    "chat-spaced": (
        "/v1/chat/completions",
        "openai",
        CHAT.replace(":@", " : @").replace(",", ", "),
        ASKED,
    ),
    "chat-stream": ("/v1/chat/completions", "openai", CHUNKS, ASKED),
    "responses": ("/v1/responses", "openai", RESPONSES, {"input": "hi"}),
    "messages": ("/v1/messages", "anthropic", MESSAGES, {**ASKED, "max_tokens": 9}),
    "messages-stream": (
        "/v1/messages",
        "anthropic",
        EVENTS,
        {**ASKED, "max_tokens": 9},
    ),
}


def twice(template: str) -> str:
    """
    Write the text's key twice: a value to hide behind, and one to be seen.
    """
    before, after = template.split("@")
    start = before.rindex('"', 0, before.rindex('"'))
    member = before[start:]
    return f"{before}{HIDDEN},{member}{SHOWN}{after}"


@pytest.mark.parametrize("case", CASES)
async def test_what_no_guardrail_saw_is_not_sent(fake, start, case):
    """
    Where a filter looks at an answer, the value that it saw is the only one that leaves.
    """
    path, provider, template, body = CASES[case]
    is_stream = case.endswith("stream")
    kind = "text/event-stream" if is_stream else "application/json"
    fake.script("m", Script(raw_body=twice(template), content_type=kind))
    client = await start(providers=natively(fake))

    asked = {"model": f"{provider}/m", "stream": is_stream, **body}
    said = await client.post(path, asked)

    assert said.status == 200, said.body
    assert json.loads(SHOWN) in said.body.decode()
    assert b"jane.doe" not in said.body


async def test_a_request_that_says_a_key_twice_is_refused(fake, start):
    """
    So that the provider sees what a guardrail saw.
    """
    client = await start(providers=natively(fake))

    raw = b'{"model":"openai/m","messages":[],"messages":[]}'
    said = await client.post("/v1/chat/completions", raw)

    assert said.status == 400
    assert not fake.requests
