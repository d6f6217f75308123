"""
The caching plugin of Gatewright: answers given again, never across tenants.
"""

from __future__ import annotations

from gateway_caching.plugin import CachingPlugin
from gateway_caching.settings import CachingSettings

__all__ = ["CachingPlugin", "CachingSettings"]
