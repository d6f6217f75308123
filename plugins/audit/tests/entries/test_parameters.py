"""
Tests of `gateway_audit.entries.parameters`.
"""

from __future__ import annotations

import pytest

from gateway.testing import make_request
from gateway_audit.entries.parameters import parameters

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def test_numbers_and_words_of_a_list_are_said():
    """
    Their keys in order, and lists by their length.
    """
    request = make_request(
        {
            **CHAT,
            "temperature": 0.5,
            "max_tokens": 20,
            "stream": False,
            "reasoning_effort": "low",
            "tools": [{"type": "function", "function": {"name": "f"}}] * 2,
            "response_format": {"type": "json_object"},
        }
    )

    told = parameters(request)

    assert told == {
        "max_tokens": 20,
        "messages_count": 1,
        "reasoning_effort": "low",
        "response_format.type": "json_object",
        "stream": False,
        "temperature": 0.5,
        "tools_count": 2,
    }
    assert list(told) == sorted(told)


@pytest.mark.parametrize(
    "members",
    [
        {"user": "canary"},
        {"stop": "canary"},
        {"service_tier": "canary"},
        {"reasoning_effort": "canary"},
        {"temperature": "canary"},
        {"metadata": {"canary": "canary"}},
        {"reasoning": {"effort": "canary", "summary": "canary"}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "canary"}}},
        {"tool_choice": {"type": "canary", "function": {"name": "canary"}}},
        {"canary": 1},
        {"seed": 4111111111111111},
        {"top_k": 4111111111111111},
    ],
    ids=lambda members: next(iter(members)),
)
def test_whatever_a_caller_may_write_is_not(members):
    """
    Text, names and numbers that are none of a setting.
    """
    told = str(parameters(make_request({**CHAT, **members})))

    assert "canary" not in told
    assert "4111111111111111" not in told
