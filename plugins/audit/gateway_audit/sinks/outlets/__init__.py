"""
The kinds of sinks: each knows how one sort of system wants its records.
"""

from __future__ import annotations
