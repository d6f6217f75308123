"""
Both sides of tlog-witness over HTTP: asking one, and being one.
"""

from __future__ import annotations
