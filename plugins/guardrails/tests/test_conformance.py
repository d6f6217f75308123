"""
What every plugin must stand: streams cut anywhere, callers who leave, failures, logs.
"""

from __future__ import annotations

from gateway.testing.conformance import Conformance
from gateway_guardrails import GuardrailsPlugin


class TestConformance(Conformance):
    """
    With rules that look at every text, redact, and put back.
    """

    plugin = GuardrailsPlugin
    name = "guardrails"
    settings = {
        "rules": {
            "data": {
                "detectors": ["pii", "secrets"],
                "action": "redact",
                "restore": True,
            },
            "attacks": {"detectors": ["injection"], "action": "flag"},
        }
    }
    wrong_settings = (
        {"rules": {"r": {"detectors": [], "action": "block"}}},
        {"rules": {"r": {"detectors": ["pii"], "action": "stop"}}},
        {"rules": []},
    )
    says = "Call +41 44 668 18 00, mail jane@acme.com."
