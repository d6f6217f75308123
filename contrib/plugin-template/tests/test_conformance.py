"""
What every plugin must stand: streams cut anywhere, callers who leave, failures, logs.
"""

from __future__ import annotations

from gateway.testing.conformance import Conformance
from gateway_example import ExamplePlugin


class TestConformance(Conformance):
    """
    The suite of ``gateway.testing``, with this plugin.
    """

    plugin = ExamplePlugin
    name = "example"
    settings = {"words": ["bluebird", "blue"]}
    wrong_settings = ({"words": [""]}, {"wrds": []}, {"mask": []})
    says = "The bluebird is blue; blueb is none."
