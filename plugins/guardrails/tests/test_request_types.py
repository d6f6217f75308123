"""
Requests that there may not be, asked of a real gateway.
"""

from __future__ import annotations

import pytest

CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
EMBEDDINGS = "/v1/embeddings"
MESSAGES = "/v1/messages"
COUNT = "/v1/messages/count_tokens"

MODEL = {"model": "openai/gpt-5"}
SAID = [{"role": "user", "content": "hello"}]
BODIES = {
    CHAT: {**MODEL, "messages": SAID},
    RESPONSES: {**MODEL, "input": "hello"},
    EMBEDDINGS: {"model": "openai/text-embedding-3-small", "input": "hello"},
    MESSAGES: {**MODEL, "messages": SAID, "max_tokens": 64},
    COUNT: {**MODEL, "messages": SAID},
}
GENERATES = {"type": "shape", "operations": ["generate"]}
CHATS = {"type": "shape", "dialects": ["openai_chat", "anthropic_messages"]}


def rules(detector, **more):
    return {"rules": {"types": {"detectors": [detector], "action": "block", **more}}}


@pytest.mark.parametrize(
    ("detector", "path", "kind"),
    [
        (GENERATES, CHAT, None),
        (GENERATES, RESPONSES, None),
        (GENERATES, MESSAGES, None),
        (GENERATES, EMBEDDINGS, "operation"),
        (GENERATES, COUNT, "operation"),
        (CHATS, CHAT, None),
        (CHATS, MESSAGES, None),
        (CHATS, RESPONSES, "dialect"),
        ({**GENERATES, **CHATS}, RESPONSES, "dialect"),
    ],
)
async def test_a_request_of_another_type_meets_the_action(
    guards, fake, detector, path, kind
):
    """
    By what it asks for, and by the format that it is in; nothing of it goes to a provider.
    """
    async with guards(rules(detector)) as guarded:
        answer = await guarded.client.post(path, BODIES[path])

    if kind is None:
        assert answer.status == 200, answer.body
        return
    assert answer.status == 400
    message = answer.json["error"]["message"]
    assert f'Guardrail "types" blocked this request: {kind}.' in message
    assert not fake.requests


@pytest.mark.parametrize(
    "body",
    [{"input": []}, {"input": [], "stream": True}],
    ids=["whole", "stream"],
)
async def test_a_request_without_a_text_is_of_a_type_too(guards, fake, body):
    """
    What it goes on from stands at the provider.
    """
    asked = {**MODEL, "previous_response_id": "resp_1", **body}

    async with guards(rules(CHATS)) as guarded:
        answer = await guarded.client.post(RESPONSES, asked)

    assert answer.status == 400
    assert not fake.requests


@pytest.mark.parametrize(
    ("more", "status", "actions"),
    [
        ({"action": "flag"}, 200, [("flag", False)]),
        ({"shadow": True}, 200, [("block", True)]),
        ({"action": "redact"}, 400, [("block", False)]),
        ({"severity": "high"}, 200, []),
        ({"stages": ["output"]}, 200, []),
        ({"applies_to": {"providers": ["openai"]}}, 400, [("block", False)]),
        ({"applies_to": {"models": ["nothing-*"]}}, 200, []),
    ],
    ids=["flag", "shadow", "redact", "grave", "answers", "provider", "others"],
)
async def test_the_rule_says_what_becomes_of_it(guards, more, status, actions):
    """
    There is nothing to redact in what it is, so that it is refused, and told so in its finding.
    """
    async with guards(rules(CHATS, **more)) as guarded:
        answer = await guarded.client.post(RESPONSES, BODIES[RESPONSES])
        told = await guarded.get("/findings")

    assert answer.status == status, answer.body
    assert [(one["action"], one["shadow"]) for one in told["findings"]] == actions
    assert all(one["type"] == "dialect" for one in told["findings"])
