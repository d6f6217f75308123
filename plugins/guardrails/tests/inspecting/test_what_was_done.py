"""
Findings tell what was done, which is not always what their rule says.
"""

from __future__ import annotations

import pytest

from gateway.testing import Script

MAIL = "jane@acme.com"
CARD = "4111 1111 1111 1111"
REDACT = {"detectors": ["mail"], "action": "redact"}
CARDS = {"no": {"detectors": ["card"], "action": "block"}}
THOUGHT = {"type": "thinking", "thinking": f"of {MAIL}", "signature": "c2ln"}


def chat(content):
    return "/v1/chat/completions", {
        "model": "openai/m",
        "messages": [{"role": "user", "content": content}],
    }


def messages(content, *thoughts):
    earlier = [
        {"role": "user", "content": "hi, "},
        {"role": "assistant", "content": [*thoughts, {"type": "text", "text": "ok"}]},
    ]
    turns = [*(earlier if thoughts else ()), {"role": "user", "content": content}]
    document = {"model": "anthropic/m", "max_tokens": 9, "messages": turns}
    return "/v1/messages", document


async def told(gated, answer):
    """
    Return what findings and trail say was done.
    """
    path = f"/api/explain/{answer.headers['x-gw-request-id']}"
    trace = (await gated.client.ask("GET", path)).json
    found = sorted((one["guardrail"], one["action"]) for one in trace["findings"])
    lines = [one for one in trace["trail"] if one["plugin"] == "guardrails"]
    return found, any(line["outcome"] == "changed" for line in lines)


@pytest.mark.parametrize(
    ("more", "asked", "found"),
    [
        (CARDS, chat(f"{MAIL}, {CARD}"), [("no", "block"), ("pii", "flag")]),
        ({}, ("/v1/embeddings", {"model": "openai/m", "input": MAIL}), ["block"]),
        ({"sealed": "block"}, messages(MAIL, THOUGHT), ["block", "flag"]),
        ({"sealed": "pass"}, messages(MAIL, THOUGHT), ["flag", "redact"]),
    ],
    ids=["blocked", "embedding", "sealed", "sealed that passes"],
)
async def test_requests(gate, fake, more, asked, found):
    """
    Of what goes nowhere, or cannot be edited, nothing was redacted: it was found, or refused.
    """
    rules = {"pii": REDACT, **more} if more is CARDS else {"pii": {**REDACT, **more}}
    async with gate(rules, embeddings="refuse") as gated:
        answer = await gated.client.post(*asked)

        pairs, is_changed = await told(gated, answer)

    assert pairs == [one if isinstance(one, tuple) else ("pii", one) for one in found]
    assert is_changed is ("redact" in found)
    assert len(fake.requests) == is_changed


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("streaming", ["window", "buffer"])
@pytest.mark.parametrize(("sealed", "found"), [("pass", "flag"), ("block", "block")])
async def test_signed_reasoning(gate, fake, streaming, is_stream, sealed, found):
    """
    What a signature covers in an answer was found and let pass, or is why it was refused.
    """
    fake.script("m", Script(reasoning=f"of {MAIL} ", text="ok"))
    rule = {**REDACT, "streaming": streaming, "sealed": sealed}
    path, document = messages("hi")
    thinks = {
        "max_tokens": 2000,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    async with gate({"pii": {**rule, "stages": ["output"]}}) as gated:
        answer = await gated.client.post(
            path, {**document, **thinks, "stream": is_stream}
        )

        pairs, is_changed = await told(gated, answer)

    assert pairs == [("pii", found)]
    assert not is_changed


async def test_buffered_answers(gate, fake):
    """
    Of an answer that another rule blocks nothing was redacted.
    """
    fake.script("m", Script(text=f"{MAIL}, {CARD}"))
    rules = {"pii": REDACT, "no": {**CARDS["no"], "streaming": "buffer"}}
    rules = {name: {"streaming": "buffer", **rule} for name, rule in rules.items()}
    async with gate(rules) as gated:
        answer = await gated.client.post(*chat("hi"))

        pairs, is_changed = await told(gated, answer)

    assert answer.status == 400
    assert pairs == [("no", "block"), ("pii", "flag")]
    assert not is_changed
