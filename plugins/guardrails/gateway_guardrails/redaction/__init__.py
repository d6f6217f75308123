"""
What stands in the place of what was found, and how the caller gets the originals back.
"""

from __future__ import annotations

from gateway_guardrails.redaction.originals import Originals
from gateway_guardrails.redaction.redaction import Redaction
from gateway_guardrails.redaction.restoring import RestoringFilter
from gateway_guardrails.redaction.vault import Conversation, Vault

__all__ = [
    "Conversation",
    "Originals",
    "Redaction",
    "RestoringFilter",
    "Vault",
]
