"""
The side of the hooks: what is written down when, and what becomes of a request if it cannot be.
"""

from __future__ import annotations
