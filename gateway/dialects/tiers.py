"""
Vendors' words for service tiers, and the ones that prices go by.

Sources: the OpenAI API reference, ``service_tier`` of chat completions and responses;
Anthropic's API reference, ``service_tier``, ``speed`` and ``inference_geo``; Groq's page on
service tiers.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.usage import STANDARD

#: What a request, or an answer, calls the standard tier.
_STANDARD_NAMES: Final = frozenset({STANDARD, "standard", "standard_only", "on_demand"})
#: Words that leave the choice to the provider, or tell nothing.
_NO_CHOICE: Final = frozenset({"", "auto"})
_LONGEST: Final = 64


def openai_tier(word: Any) -> str | None:
    """
    Read ``service_tier`` of a request or an answer; None if it names no tier.

    A request for ``fast`` is answered as ``priority``: they are one tier.
    """
    if not isinstance(word, str) or word in _NO_CHOICE:
        return None
    if word in _STANDARD_NAMES:
        return STANDARD
    return "priority" if word == "fast" else word[:_LONGEST]


def anthropic_tier(tier: Any, speed: Any) -> str | None:
    """
    Read ``service_tier`` and ``speed``: the fast mode is a tier with a price of its own.
    """
    if speed == "fast":
        return "fast"
    if not isinstance(tier, str) or tier in _NO_CHOICE:
        return None
    return STANDARD if tier in _STANDARD_NAMES else tier[:_LONGEST]


def anthropic_region(region: Any) -> str | None:
    """
    Read ``inference_geo`` of a request or of a usage.
    """
    return region[:_LONGEST] if isinstance(region, str) and region else None
