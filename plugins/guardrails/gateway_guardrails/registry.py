"""
The detectors that the plugin itself brings, each from its own package.
"""

from __future__ import annotations

from typing import Final

from gateway.detecting import Detector

#: In the order in which the documentation lists them.
DETECTORS: Final[tuple[Detector, ...]] = ()
