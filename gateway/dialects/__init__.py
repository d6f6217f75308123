"""
Wire formats, one package or module each, and the registry of those that the core speaks.
"""

from __future__ import annotations

from functools import cache

from gateway.dialects.dialect import (
    Dialect,
    Facts,
    ModelLimits,
    StreamReader,
    StreamWriter,
    Tracker,
)

__all__ = [
    "Dialect",
    "Facts",
    "ModelLimits",
    "StreamReader",
    "StreamWriter",
    "Tracker",
    "core_dialects",
]


@cache
def core_dialects() -> tuple[Dialect, ...]:
    """
    Return the dialects that come with the core; plugins add theirs by `register_dialects`.
    """
    from gateway.dialects.anthropic_messages import AnthropicMessages
    from gateway.dialects.openai_chat import OpenAIChat
    from gateway.dialects.openai_completions import OpenAICompletions
    from gateway.dialects.openai_embeddings import OpenAIEmbeddings
    from gateway.dialects.openai_responses import OpenAIResponses

    return (
        OpenAIChat(),
        OpenAIResponses(),
        AnthropicMessages(),
        OpenAICompletions(),
        OpenAIEmbeddings(),
    )
