"""
What every plugin must stand: streams cut anywhere, callers who leave, failures, logs.
"""

from __future__ import annotations

from gateway.testing.conformance import Conformance
from gateway_encodings import EncodingsPlugin


class TestConformance(Conformance):
    """
    With nothing preloaded: it has no part in an exchange.
    """

    plugin = EncodingsPlugin
    name = "encodings"
    wrong_settings = ({"preload": ["p50k_base"]}, {"preload": "o200k_base"})
