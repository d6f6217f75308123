"""
What every plugin must stand: streams cut anywhere, callers who leave, failures, logs.
"""

from __future__ import annotations

from gateway.testing.conformance import Conformance
from gateway_caching import CachingPlugin


class TestConformance(Conformance):
    """
    With every request passing by the cache, so that each is played as it comes.
    """

    plugin = CachingPlugin
    name = "caching"
    settings = {"store": "memory", "default": {"sampled": True}}
    wrong_settings = (
        {"store": "shelf"},
        {"store": "redis"},
        {"default": {"ttl_s": 0}},
        {"semantic": {}},
    )
    headers = {"cache-control": "no-cache"}
