"""
Sends long prompts to a model with a long context.
"""

from __future__ import annotations

from gateway_long_context.plugin import LongContextPlugin, LongContextSettings

__all__ = ["LongContextPlugin", "LongContextSettings"]
