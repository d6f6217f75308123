"""
Encodings for Gatewright: token counts without a network.
"""

from __future__ import annotations

from gateway_encodings.encoding import PackedEncoding
from gateway_encodings.plugin import EncodingsPlugin, EncodingsSettings

__all__ = ["EncodingsPlugin", "EncodingsSettings", "PackedEncoding"]
