from __future__ import annotations

from typing import get_args

import pytest
from anthropic.types import Message
from anthropic.types import Usage as AnthropicUsage
from openai.types.chat import ChatCompletion
from openai.types.responses import Response as OpenAIResponse

from gateway.dialects.tiers import anthropic_region, anthropic_tier, openai_tier
from gateway.testing import find_dialect
from gateway.views import Request, Response


def words(model, field: str) -> set[str]:
    """
    Return the literals that an SDK's *field* may have, however deep they are wrapped.
    """
    found, todo = set(), [model.model_fields[field].annotation]
    while todo:
        for part in get_args(todo.pop()):
            if isinstance(part, str):
                found.add(part)
            else:
                todo.append(part)
    return found


@pytest.mark.parametrize(
    ("word", "tier"),
    [
        ("default", "default"),
        ("standard", "default"),
        ("on_demand", "default"),
        ("flex", "flex"),
        ("priority", "priority"),
        ("fast", "priority"),
        ("scale", "scale"),
        ("auto", None),
        ("", None),
        (None, None),
        (7, None),
        ("x" * 99, "x" * 64),
    ],
)
def test_openais_words_for_tiers(word, tier):
    """
    Names of the standard tier are one, a wish without a name is none, others stay.
    """
    assert openai_tier(word) == tier


@pytest.mark.parametrize(
    ("tier", "speed", "read"),
    [
        ("standard", "standard", "default"),
        ("standard", None, "default"),
        ("standard", "fast", "fast"),
        ("priority", None, "priority"),
        ("batch", None, "batch"),
        ("standard_only", None, "default"),
        ("auto", None, None),
        (None, "standard", None),
        ([], {}, None),
    ],
)
def test_anthropics_words_for_tiers(tier, speed, read):
    """
    The fast mode has a price of its own, so it is a tier of its own.
    """
    assert anthropic_tier(tier, speed) == read


def test_no_word_of_the_vendors_is_unknown():
    """
    The SDKs list what an answer may say; none of it was overlooked.
    """
    openais = words(ChatCompletion, "service_tier") | words(
        OpenAIResponse, "service_tier"
    )

    assert openais == {
        "auto", "default", "flex", "scale", "priority", "fast", "ultrafast"
    }  # fmt: skip
    assert words(AnthropicUsage, "service_tier") == {"standard", "priority", "batch"}
    assert words(AnthropicUsage, "speed") == {"standard", "fast"}


@pytest.mark.parametrize(
    ("dialect", "doc", "tier"),
    [
        ("openai_chat", {"service_tier": "fast"}, "priority"),
        ("openai_chat", {}, None),
        ("openai_responses", {"service_tier": "flex"}, "flex"),
        ("openai_completions", {"service_tier": ["flex"]}, None),
        ("openai_embeddings", {}, None),
        ("anthropic_messages", {"service_tier": "standard_only"}, "default"),
        ("anthropic_messages", {"speed": "fast"}, "fast"),
    ],
)
def test_a_request_tells_its_tier(dialect, doc, tier):
    """
    Every dialect's request says at which tier it wants to be served.
    """
    assert Request(find_dialect(dialect), doc=doc).service_tier == tier


def test_a_request_tells_its_region():
    """
    Anthropic alone lets a request choose where it is computed.
    """
    anthropic = find_dialect("anthropic_messages")

    assert Request(anthropic, doc={"inference_geo": "us"}).region == "us"
    assert Request(anthropic, doc={}).region is None
    assert Request(find_dialect("openai_chat"), doc={"region": "us"}).region is None
    assert anthropic_region(5) is None


def test_an_anthropic_answer_tells_how_it_was_served():
    """
    Tier, speed, place and the calls of tools that Anthropic ran are in the usage.
    """
    usage = {
        "input_tokens": 3,
        "output_tokens": 4,
        "service_tier": "standard",
        "speed": "fast",
        "inference_geo": "us",
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
    }
    told = AnthropicUsage.model_validate(usage)
    message = Message.model_validate(
        {
            "id": "m",
            "content": [],
            "model": "c",
            "role": "assistant",
            "type": "message",
            "usage": told.model_dump(mode="json"),
        }
    )

    dialect = find_dialect("anthropic_messages")
    read = dialect.usage_of(Response(dialect, doc=message.model_dump(mode="json")))

    assert (read.input, read.output) == (3, 4)
    assert (read.service_tier, read.region) == ("fast", "us")
    assert read.server_tool_calls == (("web_search", 2),)


@pytest.mark.parametrize("dialect", ["openai_chat", "openai_completions"])
def test_an_openai_completion_tells_its_tier_and_pictures(dialect):
    """
    The tier stands beside the usage; image tokens leave the buckets that they are part of.
    """
    doc = {
        "service_tier": "priority",
        "usage": {
            "prompt_tokens": 10,
            "completion_tokens": 6,
            "total_tokens": 16,
            "prompt_tokens_details": {"cached_tokens": 2, "image_tokens": 5},
            "completion_tokens_details": {"reasoning_tokens": 1, "image_tokens": 3},
        },
    }
    spoken = find_dialect(dialect)

    read = spoken.usage_of(Response(spoken, doc=doc))

    assert read.service_tier == "priority"
    assert (read.input, read.cache_read, read.input_image) == (3, 2, 5)
    assert (read.output, read.reasoning, read.output_image) == (2, 1, 3)
    assert (read.total_input, read.total_output) == (10, 6)


def test_pictures_that_were_cached_are_counted_once():
    """
    Cached tokens may be of pictures: no token is in two buckets.
    """
    spoken = find_dialect("openai_chat")
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 0,
        "total_tokens": 10,
        "prompt_tokens_details": {"cached_tokens": 8, "image_tokens": 9},
    }

    read = spoken.usage_of(Response(spoken, doc={"usage": usage}))

    assert (read.input, read.cache_read, read.input_image) == (0, 8, 2)


def test_a_response_tells_its_tier():
    """
    In the Responses dialect the tier is a member of the response.
    """
    spoken = find_dialect("openai_responses")
    doc = {"service_tier": "flex", "usage": {"input_tokens": 3, "output_tokens": 1}}

    assert spoken.usage_of(Response(spoken, doc=doc)).service_tier == "flex"
