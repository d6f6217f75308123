"""
What every plugin must stand: streams cut anywhere, callers who leave, failures, logs.
"""

from __future__ import annotations

from gateway.testing.conformance import Conformance
from gateway_audit import AuditPlugin


class TestConformance(Conformance):
    """
    With bodies kept, so that it looks into streams as well.
    """

    plugin = AuditPlugin
    name = "audit"
    # Thousands of exchanges: nobody waits for the disk in each.
    settings = {"level": "relaxed", "bodies": "redacted", "subject": "user"}
    wrong_settings = ({"levels": "durable"}, {"level": "fast"}, {"bodies": "all"})
