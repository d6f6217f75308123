from __future__ import annotations

import attrs
import pytest

from gateway.dialects.openai_chat.usage import read_any_usage, read_usage, write_usage
from gateway.usage import Usage

GOLDEN = {
    "plain": (
        {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
        Usage(input=9, output=4),
    ),
    "cached": (
        {
            "prompt_tokens": 9,
            "completion_tokens": 4,
            "prompt_tokens_details": {"cached_tokens": 5},
        },
        Usage(input=4, cache_read=5, output=4),
    ),
    "cache written": (
        {
            "prompt_tokens": 9,
            "completion_tokens": 4,
            "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 3},
        },
        Usage(input=4, cache_read=2, cache_write_5m=3, output=4),
    ),
    "reasoning": (
        {
            "prompt_tokens": 9,
            "completion_tokens": 4,
            "total_tokens": 13,
            "completion_tokens_details": {"reasoning_tokens": 3},
        },
        Usage(input=9, output=1, reasoning=3),
    ),
    "audio": (
        {
            "prompt_tokens": 9,
            "completion_tokens": 4,
            "prompt_tokens_details": {"audio_tokens": 5},
            "completion_tokens_details": {"audio_tokens": 3, "reasoning_tokens": 0},
        },
        Usage(input=4, input_audio=5, output=1, output_audio=3),
    ),
    "xAI": (
        {
            "prompt_tokens": 9,
            "completion_tokens": 4,
            "total_tokens": 20,
            "completion_tokens_details": {"reasoning_tokens": 7},
        },
        Usage(input=9, output=4, reasoning=7),
    ),
    "DeepSeek": (
        {
            "prompt_tokens": 9,
            "completion_tokens": 4,
            "prompt_cache_hit_tokens": 5,
            "prompt_cache_miss_tokens": 4,
        },
        Usage(input=4, cache_read=5, output=4),
    ),
    "Anthropic's names": (
        {
            "prompt_tokens": 9,
            "completion_tokens": 4,
            "cache_read_input_tokens": 5,
            "cache_creation_input_tokens": 1,
        },
        Usage(input=3, cache_read=5, cache_write_5m=1, output=4),
    ),
    "Perplexity": (
        {"prompt_tokens": 9, "completion_tokens": 4, "num_search_queries": 2},
        Usage(input=9, output=4, server_tool_calls=(("web_search", 2),)),
    ),
    "OpenRouter": (
        {
            "prompt_tokens": 9,
            "completion_tokens": 4,
            "server_tool_use": {"web_search_requests": 2},
        },
        Usage(input=9, output=4, server_tool_calls=(("web_search", 2),)),
    ),
    "total only": ({"total_tokens": 9}, Usage(input=9)),
    "zero": ({"prompt_tokens": 0, "completion_tokens": 0}, Usage()),
    "floats": (
        {"prompt_tokens": 9.0, "completion_tokens": 4.0},
        Usage(input=9, output=4),
    ),
}
ODD = {
    "more cached than sent": {
        "prompt_tokens": 3,
        "prompt_tokens_details": {"cached_tokens": 9, "audio_tokens": 9},
    },
    "more reasoning than said": {
        "prompt_tokens": 3,
        "completion_tokens": 2,
        "completion_tokens_details": {"reasoning_tokens": 9, "audio_tokens": 9},
    },
    "negative": {"prompt_tokens": -3, "completion_tokens": 2},
    "null": {"prompt_tokens": 3, "completion_tokens": None},
    "strings": {"prompt_tokens": "3", "completion_tokens": 2},
}


class TestRead:
    @pytest.mark.parametrize(("raw", "usage"), GOLDEN.values(), ids=GOLDEN)
    def test_golden(self, raw, usage):
        """
        Every vendor's way of counting ends in buckets that overlap nowhere.
        """
        assert read_usage(raw) == usage

    @pytest.mark.parametrize("raw", ODD.values(), ids=ODD)
    def test_no_bucket_is_negative(self, raw):
        """
        Counts that contradict each other are never less than nothing.
        """
        usage = read_usage(raw)

        counts = [count for count in attrs.astuple(usage) if isinstance(count, int)]
        assert min(counts) >= 0
        assert usage.total_input <= 3
        assert usage.total_output <= 2

    @pytest.mark.parametrize("raw", [None, {}, [], {"cost": 1}, "x"], ids=repr)
    def test_nothing_counted(self, raw):
        """
        Usage that counts no tokens is unknown, not zero.
        """
        assert read_usage(raw) is None

    @pytest.mark.parametrize(
        "doc",
        [{"usage": {"prompt_tokens": 3}}, {"x_groq": {"usage": {"prompt_tokens": 3}}}],
        ids=["own place", "Groq"],
    )
    def test_places(self, doc):
        """
        Usage is found where the vendor puts it.
        """
        assert read_any_usage(doc) == Usage(input=3)

    @pytest.mark.parametrize("doc", [{}, [], {"x_groq": 1}, None], ids=repr)
    def test_no_place(self, doc):
        """
        A document without usage has none.
        """
        assert read_any_usage(doc) is None


class TestWrite:
    def test_prompt_is_all_input(self):
        """
        OpenAI's prompt tokens hold every bucket of the input.
        """
        usage = Usage(
            input=1, cache_read=2, cache_write_5m=3, cache_write_1h=4, input_audio=5
        )

        raw = write_usage(usage)

        assert raw["prompt_tokens"] == raw["total_tokens"] == 15
        assert raw["prompt_tokens_details"] == {
            "cached_tokens": 2,
            "audio_tokens": 5,
            "cache_write_tokens": 7,
        }

    @pytest.mark.parametrize(
        "usage", [usage for _, usage in GOLDEN.values() if not usage.server_tool_calls]
    )
    def test_read_again(self, usage):
        """
        What was written is read as what it was written from.
        """
        assert read_usage(write_usage(usage)) == usage
