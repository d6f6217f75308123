"""
Judges that ask somebody: services of AWS, Azure and Patronus, a webhook, a model.
"""

from __future__ import annotations

from typing import Final

from gateway.detecting import Detector
from gateway_guardrails.remote.azure import AZURE
from gateway_guardrails.remote.azure_grounding import AZURE_GROUNDING
from gateway_guardrails.remote.azure_protected import AZURE_PROTECTED
from gateway_guardrails.remote.azure_shield import AZURE_SHIELD
from gateway_guardrails.remote.bedrock import BEDROCK
from gateway_guardrails.remote.bedrock_checks import BEDROCK_CHECKS
from gateway_guardrails.remote.model import MODEL
from gateway_guardrails.remote.patronus import PATRONUS
from gateway_guardrails.remote.webhook import WEBHOOK

__all__ = [
    "AZURE",
    "AZURE_GROUNDING",
    "AZURE_PROTECTED",
    "AZURE_SHIELD",
    "BEDROCK",
    "BEDROCK_CHECKS",
    "MODEL",
    "PATRONUS",
    "REMOTE",
    "WEBHOOK",
]

#: All of them.
REMOTE: Final[tuple[Detector, ...]] = (
    BEDROCK,
    BEDROCK_CHECKS,
    AZURE,
    AZURE_SHIELD,
    AZURE_PROTECTED,
    AZURE_GROUNDING,
    PATRONUS,
    WEBHOOK,
    MODEL,
)
