"""
A provider that gives canned answers, for demonstrations and load tests.
"""

from __future__ import annotations

from gateway_canned.plugin import CannedPlugin, CannedSettings

__all__ = ["CannedPlugin", "CannedSettings"]
