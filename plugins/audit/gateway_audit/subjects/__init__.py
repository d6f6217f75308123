"""
Who the log speaks of, so that it can be forgotten: pseudonyms, and the keys of what is kept.
"""

from __future__ import annotations
