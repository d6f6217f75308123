"""
Rules that hold answers back differently look at the same answer.
"""

from __future__ import annotations

import pytest

from gateway.testing import Script

MAIL = "jane@acme.com"


def hello(stream):
    said = [{"role": "user", "content": "hi"}]
    return {"model": "openai/m", "messages": said, "stream": stream}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("streaming", ["window", "buffer", "async"])
async def test_what_is_redacted_is_blocked_all_the_same(gate, fake, streaming, stream):
    """
    The strictest verdict wins in answers, however the rules hold them back.
    """
    out = {"detectors": ["mail"], "stages": ["output"]}
    rules = {
        "red": {**out, "action": "redact"},
        "no": {**out, "action": "block", "streaming": streaming},
    }
    fake.enqueue(Script(text=f"so it is {MAIL} then", split=5))
    async with gate(rules) as gated:
        answer = await gated.client.post("/v1/chat/completions", hello(stream))

    assert MAIL.encode() not in answer.body
    # Before the first byte a stream is refused as any answer is.
    assert b"guardrail_blocked" in answer.body or b"content_filter" in answer.body


@pytest.mark.parametrize("stream", [False, True])
async def test_shadow_sees_what_is_redacted(gate, fake, stream):
    """
    What a trial would have done is told of the answer as it came.
    """
    out = {"detectors": ["mail"], "stages": ["output"]}
    trial = {**out, "action": "block", "shadow": True}
    rules = {"red": {**out, "action": "redact"}, "trial": trial}
    fake.enqueue(Script(text=f"so it is {MAIL} then", split=5))
    async with gate(rules) as gated:
        answer = await gated.client.post("/v1/chat/completions", hello(stream))
        path = "/api/guardrails/findings?shadow=true"
        page = (await gated.client.ask("GET", path)).json

    assert b"<EMAIL_1>" in answer.body
    assert [found["guardrail"] for found in page["findings"]] == ["trial"]
