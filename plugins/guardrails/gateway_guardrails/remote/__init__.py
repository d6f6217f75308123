"""
Judges that ask somebody: services of AWS, Azure and Patronus, a webhook, a model.
"""

from __future__ import annotations

from typing import Final

from gateway.detecting import Detector
from gateway_guardrails.remote.bedrock import BEDROCK

__all__ = ["BEDROCK", "REMOTE"]

#: All of them.
REMOTE: Final[tuple[Detector, ...]] = (BEDROCK,)
