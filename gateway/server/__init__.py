"""
The server: what HTTP asks of a gateway, in front of the core that knows none of it.
"""

from __future__ import annotations
