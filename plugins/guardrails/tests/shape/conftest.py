"""
Detectors of shape.
"""

from __future__ import annotations

from gateway.detecting import DetectorTools, Place
from gateway.secrets import Secrets
from gateway.settings import Settings
from gateway.testing import ManualClock
from gateway_guardrails.shape import SHAPE, WHOLE_SHAPE, ShapeOptions, WholeShapeOptions

PLACE = Place(stage="output", role="assistant")
TOOLS = DetectorTools(settings=Settings(), secrets=Secrets({}), clock=ManualClock())


def shape(**options):
    """
    Make a detector of parts as a rule would.
    """
    return SHAPE.make(ShapeOptions(**options), TOOLS)


def whole_shape(**options):
    """
    Make a detector of whole texts as a rule would.
    """
    return WHOLE_SHAPE.make(WholeShapeOptions(**options), TOOLS)


def found_in(detector, text, place=PLACE):
    """
    Return type and text of what is found.
    """
    finds, _ = detector.find(text, 0, final=True, place=place)
    return [(find.type, text[find.start : find.end]) for find in finds]
