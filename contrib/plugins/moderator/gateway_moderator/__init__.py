"""
Lets another model judge what users ask, through the gateway itself.
"""

from __future__ import annotations

from gateway_moderator.plugin import ModeratorPlugin, ModeratorSettings

__all__ = ["ModeratorPlugin", "ModeratorSettings"]
