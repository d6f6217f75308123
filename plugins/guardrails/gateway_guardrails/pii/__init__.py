"""
Personal data, found without asking anybody.
"""

from __future__ import annotations

from typing import Final

from gateway.detecting import Detector, DetectorTools
from gateway_guardrails.pii.detector import PiiDetector
from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.kinds import KINDS
from gateway_guardrails.pii.options import CustomPattern, PiiOptions, select

__all__ = ["KINDS", "PII", "CustomPattern", "Kind", "PiiDetector", "PiiOptions"]


def _make(options: PiiOptions, tools: DetectorTools) -> PiiDetector:
    detector = PiiDetector(select(options))
    detector.warm_up()
    return detector


#: The kind of detector that a plugin registers.
PII: Final = Detector(
    name="pii",
    Options=PiiOptions,
    make=_make,
    summary="Personal data: numbers by their check digits, and by the words beside them.",
)
