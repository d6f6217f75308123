"""
A cap that a plugin sets on a request reaches the provider, whatever it speaks.
"""

from __future__ import annotations

import pytest

from gateway.catalog import UNKNOWN, ModelFacts
from gateway.neutral import Losses
from gateway.testing import find_dialect, make_request
from gateway.translation import Translation

HI = [{"role": "user", "content": "hi"}]
CHAT = {"model": "m", "messages": HI}
RESPONSES = {"model": "m", "input": "hi"}
MESSAGES = {"model": "m", "max_tokens": 9000, "messages": HI}
THINKING = {"type": "enabled", "budget_tokens": 2048}

CALLERS = [
    pytest.param("openai_chat", CHAT, id="chat"),
    pytest.param("openai_chat", {**CHAT, "max_tokens": 9000}, id="chat-old"),
    pytest.param("openai_chat", {**CHAT, "max_completion_tokens": 9000}, id="chat-new"),
    pytest.param(
        "openai_chat",
        {**CHAT, "max_completion_tokens": 9000, "max_tokens": 8000},
        id="chat-both",
    ),
    pytest.param("openai_chat", {**CHAT, "max_tokens": -1}, id="chat-endless"),
    pytest.param("openai_chat", {**CHAT, "reasoning_effort": "high"}, id="chat-thinks"),
    pytest.param("openai_responses", RESPONSES, id="responses"),
    pytest.param(
        "openai_responses", {**RESPONSES, "max_output_tokens": 9000}, id="responses-cap"
    ),
    pytest.param(
        "openai_responses",
        {**RESPONSES, "reasoning": {"effort": "high"}},
        id="responses-thinks",
    ),
    pytest.param("anthropic_messages", MESSAGES, id="messages"),
    pytest.param(
        "anthropic_messages", {**MESSAGES, "thinking": THINKING}, id="messages-thinks"
    ),
]
CAPS = {
    "openai_chat": ("max_completion_tokens", "max_tokens"),
    "openai_responses": ("max_output_tokens",),
    "anthropic_messages": ("max_tokens",),
}


def caps_of(request) -> set[int]:
    """
    Collect every cap that a provider could heed.
    """
    fields = CAPS[request.dialect.name]
    return {request.doc[field] for field in fields if field in request.doc}


@pytest.mark.parametrize(("caller", "body"), CALLERS)
def test_is_the_only_one_where_nothing_is_translated(caller, body):
    """
    No spelling is left in which a provider could read a higher cap.
    """
    request = make_request(body, dialect=caller).fork()

    request.max_output_tokens = 4096

    assert request.max_output_tokens == 4096
    assert caps_of(request) == {4096}


@pytest.mark.parametrize("most", [None, 128_000])
@pytest.mark.parametrize("provider", CAPS)
@pytest.mark.parametrize(("caller", "body"), CALLERS)
def test_is_carried_over_by_translation(caller, body, provider, most):
    """
    Neither thinking nor the model's own maximum makes it larger on the way.
    """
    request = make_request(body, dialect=caller).fork()
    request.max_output_tokens = 4096
    facts = UNKNOWN
    if most is not None:
        facts = ModelFacts(
            provider="x", model="m", max_output_tokens=most, reasons_adaptively=False
        )
    translation = Translation(
        request.dialect,
        find_dialect(provider),
        request,
        losses=Losses(),
        now=lambda: 0.0,
    )

    written = translation.request(facts)

    assert caps_of(written) == {4096}
    budget = (written.doc.get("thinking") or {}).get("budget_tokens", 0)
    assert budget < 4096


def test_legacy_completions_have_one_spelling():
    """
    Legacy completions, which are never translated, know one cap.
    """
    request = make_request({"model": "m", "prompt": "hi"}, dialect="openai_completions")

    request.max_output_tokens = 9

    assert request.doc["max_tokens"] == 9
