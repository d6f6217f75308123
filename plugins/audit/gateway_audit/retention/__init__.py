"""
How long what is kept, and where: archiving and pruning that break no proof.
"""

from __future__ import annotations
