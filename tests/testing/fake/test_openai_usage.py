"""
Usage and log probabilities of OpenAI's chat formats.
"""

from __future__ import annotations

from openai.types import CompletionUsage
from openai.types.chat import ChatCompletionTokenLogprob
from pydantic import TypeAdapter

from gateway.testing.fake.answer import Tokens
from gateway.testing.fake.openai_usage import chat_usage, token_logprob


def test_parts_are_inside_the_totals():
    """
    The prompt holds its cached tokens, the completion its reasoning.
    """
    tokens = Tokens(
        input=100,
        cached=40,
        cache_write_5m=9,
        cache_write_1h=1,
        output=20,
        reasoning=15,
    )

    usage = TypeAdapter(CompletionUsage).validate_python(chat_usage(tokens))

    assert (usage.prompt_tokens, usage.completion_tokens) == (100, 20)
    assert usage.total_tokens == 120
    assert usage.prompt_tokens_details.cached_tokens == 40
    assert usage.prompt_tokens_details.cache_write_tokens == 10
    assert usage.completion_tokens_details.reasoning_tokens == 15


def test_alternatives_begin_with_what_was_taken():
    """
    A log probability has the wanted number of alternatives, itself among them.
    """
    entry = TypeAdapter(ChatCompletionTokenLogprob).validate_python(
        token_logprob("é", 3)
    )

    assert entry.bytes == [0xC3, 0xA9]
    assert [each.token for each in entry.top_logprobs] == ["é", "~1", "~2"]


def test_alternatives_are_not_told_unasked():
    """
    Without a wish there are none.
    """
    assert token_logprob("a", 0)["top_logprobs"] == []
