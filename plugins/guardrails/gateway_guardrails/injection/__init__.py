"""
Prompt injection and jailbreaks.
"""

from __future__ import annotations

from typing import Final

from gateway.detecting import Detector, DetectorTools

from .detector import InjectionDetector
from .normalise import Normalised, normalise
from .options import InjectionOptions
from .readings import Reading, readings

__all__ = [
    "DETECTORS",
    "INJECTION",
    "InjectionDetector",
    "InjectionOptions",
    "Normalised",
    "Reading",
    "normalise",
    "readings",
]


def _make(options: InjectionOptions, tools: DetectorTools) -> InjectionDetector:
    del tools
    return InjectionDetector(options)


INJECTION: Final = Detector(
    name="injection",
    Options=InjectionOptions,
    make=_make,
    summary="Prompt injection and jailbreaks, by rules over the decoded text: a score.",
)
DETECTORS: Final = (INJECTION,)
