"""
The one process of a machine that brings what its workers wrote into the log.
"""

from __future__ import annotations
