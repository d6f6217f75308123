"""
The registry: every kind of personal datum that is looked for.
"""

from __future__ import annotations

from typing import Final

from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.kinds.africa_middle_east import AFRICA_MIDDLE_EAST
from gateway_guardrails.pii.kinds.americas import AMERICAS
from gateway_guardrails.pii.kinds.asia import ASIA
from gateway_guardrails.pii.kinds.asia_pacific import ASIA_PACIFIC
from gateway_guardrails.pii.kinds.central_europe import CENTRAL_EUROPE
from gateway_guardrails.pii.kinds.documents import DOCUMENTS
from gateway_guardrails.pii.kinds.eastern_europe import EASTERN_EUROPE
from gateway_guardrails.pii.kinds.europe import EUROPE
from gateway_guardrails.pii.kinds.everywhere import EVERYWHERE
from gateway_guardrails.pii.kinds.finance import FINANCE
from gateway_guardrails.pii.kinds.united_kingdom import UNITED_KINGDOM
from gateway_guardrails.pii.kinds.united_states import UNITED_STATES
from gateway_guardrails.pii.kinds.western_europe import WESTERN_EUROPE

__all__ = ["KINDS"]

KINDS: Final[tuple[Kind, ...]] = (
    *EVERYWHERE,
    *FINANCE,
    *UNITED_STATES,
    *AMERICAS,
    *UNITED_KINGDOM,
    *EUROPE,
    *WESTERN_EUROPE,
    *CENTRAL_EUROPE,
    *EASTERN_EUROPE,
    *AFRICA_MIDDLE_EAST,
    *ASIA,
    *ASIA_PACIFIC,
    # Last, since where nothing else tells them apart the first prevails.
    *DOCUMENTS,
)
