"""
Usage and log probabilities as OpenAI's chat formats spell them.
"""

from __future__ import annotations

from typing import Any

from gateway.testing.fake.answer import Tokens

__all__ = ["chat_usage", "token_logprob"]

_LOGPROB = -0.125


def chat_usage(tokens: Tokens) -> dict[str, Any]:
    """
    Spell usage: cached tokens are inside the prompt's, reasoning in the completion's.
    """
    prompt = {"cached_tokens": tokens.cached, "audio_tokens": tokens.input_audio}
    if tokens.cache_write:
        prompt["cache_write_tokens"] = tokens.cache_write
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": prompt,
        "completion_tokens_details": {
            "reasoning_tokens": tokens.reasoning,
            "audio_tokens": tokens.output_audio,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def token_logprob(piece: str, alternatives: int) -> dict[str, Any]:
    """
    Spell one piece as if it were one token, with made-up *alternatives*.
    """
    first = {
        "token": piece,
        "logprob": _LOGPROB,
        "bytes": list(piece.encode()),
    }
    others = [
        {"token": f"~{n}", "logprob": _LOGPROB - n, "bytes": list(f"~{n}".encode())}
        for n in range(1, alternatives)
    ]
    return {**first, "top_logprobs": [first, *others] if alternatives else []}
