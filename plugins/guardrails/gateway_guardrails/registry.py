"""
The detectors that the plugin itself brings, each from its own package.
"""

from __future__ import annotations

from typing import Final

from gateway.detecting import Detector
from gateway_guardrails.injection import INJECTION
from gateway_guardrails.pii import PII
from gateway_guardrails.remote import REMOTE
from gateway_guardrails.secrets import SECRETS
from gateway_guardrails.shape import SHAPE, WHOLE_SHAPE
from gateway_guardrails.words import TOPICS, WORDS

#: In the order in which the documentation lists them.
DETECTORS: Final[tuple[Detector, ...]] = (
    PII,
    SECRETS,
    INJECTION,
    WORDS,
    TOPICS,
    SHAPE,
    WHOLE_SHAPE,
    *REMOTE,
)
