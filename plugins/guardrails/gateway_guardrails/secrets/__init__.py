"""
Credentials: those of vendors by their formats, others by the name in front of them, our own.
"""

from __future__ import annotations

from gateway_guardrails.secrets.detector import SECRETS, SecretsDetector
from gateway_guardrails.secrets.options import SecretsOptions

__all__ = ["SECRETS", "SecretsDetector", "SecretsOptions"]
