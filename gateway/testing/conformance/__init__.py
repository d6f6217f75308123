"""
What every plugin must stand, as tests that an author runs against a plugin of their own.

::

    from gateway.testing.conformance import Conformance

    class TestConformance(Conformance):
        plugin = MyPlugin
        settings = {"words": ["bluebird"]}
        wrong_settings = ({"wordz": []}, {"words": "bluebird"})
        says = "the bluebird sings"

They need pytest and pytest-asyncio.
"""

from __future__ import annotations

from gateway.testing.conformance.recording import Recording, record
from gateway.testing.conformance.suite import Conformance

__all__ = ["Conformance", "Recording", "record"]
