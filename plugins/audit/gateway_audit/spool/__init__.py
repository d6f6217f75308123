"""
Where a worker writes what the log is to hold, before anything else happens.
"""

from __future__ import annotations
