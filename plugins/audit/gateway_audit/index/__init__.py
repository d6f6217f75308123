"""
The search index: where to find what in the log.  Never the evidence, and made anew when it is lost.
"""

from __future__ import annotations
