"""
Stamp for Gatewright: a mark on the request, the response and the stream.
"""

from __future__ import annotations

from gateway_stamp.plugin import StampPlugin, StampSettings

__all__ = ["StampPlugin", "StampSettings"]
