"""
What every plugin must stand: streams cut anywhere, callers who leave, failures, logs.
"""

from __future__ import annotations

from gateway.testing.conformance import Conformance
from gateway_governance import GovernancePlugin

VALUE = "a-key-of-a-suite-" + "c" * 43


class TestConformance(Conformance):
    """
    With a key, a budget and limits, all of which every exchange touches.
    """

    plugin = GovernancePlugin
    name = "governance"
    settings = {
        "require_key": True,
        "unpriced_models": "free",
        "virtual_keys": {
            "me": {
                "secret": "env.VK_ME",
                "budgets": [{"limit_usd": 1000, "per": "day"}],
                "rate_limits": [{"requests": 1000000, "per": "minute"}],
                "max_parallel": 3,
            }
        },
    }
    wrong_settings = (
        {"virtual_keys": {"me": {"secret": "env.VK_ME", "modelss": []}}},
        {"require_key": "perhaps"},
    )
    environ = {"VK_ME": VALUE}
    headers = {"authorization": f"Bearer {VALUE}"}
