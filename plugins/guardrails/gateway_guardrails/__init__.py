"""
The guardrails plugin of Gatewright.
"""

from __future__ import annotations

from gateway_guardrails.plugin import GuardrailsPlugin
from gateway_guardrails.settings import GuardrailsSettings

__all__ = ["GuardrailsPlugin", "GuardrailsSettings"]
