"""
The plugin, as the gateway finds it.
"""

from __future__ import annotations

from importlib.metadata import entry_points

from gateway_guardrails import GuardrailsPlugin


def test_the_entry_point_names_the_plugin():
    """
    It is found by the word that the settings use.
    """
    found = entry_points(group="gateway.plugins", name="guardrails")

    assert [each.load() for each in found] == [GuardrailsPlugin]
