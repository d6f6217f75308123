"""
The registry: every kind of personal datum that is looked for.
"""

from __future__ import annotations

from typing import Final

from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.kinds.americas import AMERICAS
from gateway_guardrails.pii.kinds.asia_pacific import ASIA_PACIFIC
from gateway_guardrails.pii.kinds.europe import EUROPE
from gateway_guardrails.pii.kinds.everywhere import EVERYWHERE
from gateway_guardrails.pii.kinds.finance import FINANCE
from gateway_guardrails.pii.kinds.united_kingdom import UNITED_KINGDOM
from gateway_guardrails.pii.kinds.united_states import UNITED_STATES

__all__ = ["KINDS"]

KINDS: Final[tuple[Kind, ...]] = (
    *EVERYWHERE,
    *FINANCE,
    *UNITED_STATES,
    *AMERICAS,
    *UNITED_KINGDOM,
    *EUROPE,
    *ASIA_PACIFIC,
)
