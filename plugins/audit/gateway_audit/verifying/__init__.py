"""
Looks at a log from outside, as somebody who does not trust who wrote it.
"""

from __future__ import annotations
