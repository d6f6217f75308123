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
    from gateway.dialects.anthropic_messages import AnthropicMessages  # noqa: PLC0415
    from gateway.dialects.openai_chat import OpenAIChat  # noqa: PLC0415
    from gateway.dialects.openai_completions import OpenAICompletions  # noqa: PLC0415
    from gateway.dialects.openai_embeddings import OpenAIEmbeddings  # noqa: PLC0415
    from gateway.dialects.openai_responses import OpenAIResponses  # noqa: PLC0415

    return (
        OpenAIChat(),
        OpenAIResponses(),
        AnthropicMessages(),
        OpenAICompletions(),
        OpenAIEmbeddings(),
    )
