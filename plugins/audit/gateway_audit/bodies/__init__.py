"""
Requests and answers, encrypted, beside the log, which proves them.
"""

from __future__ import annotations
