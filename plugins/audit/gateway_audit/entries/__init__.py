"""
What an entry of the log says: made of exchanges, attempts and events, by lists of what may be said.
"""

from __future__ import annotations
