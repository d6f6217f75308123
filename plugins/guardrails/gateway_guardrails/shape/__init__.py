"""
What a text may look like: patterns, links, code, characters nobody sees; its length, roles, JSON.
"""

from __future__ import annotations

from gateway_guardrails.shape.detector import SHAPE, ShapeDetector, ShapeOptions
from gateway_guardrails.shape.whole import (
    WHOLE_SHAPE,
    WholeShapeDetector,
    WholeShapeOptions,
)

__all__ = [
    "SHAPE",
    "WHOLE_SHAPE",
    "ShapeDetector",
    "ShapeOptions",
    "WholeShapeDetector",
    "WholeShapeOptions",
]
