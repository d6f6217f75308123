"""
The dialect's name, where its class cannot be imported, and what the vendor checks of names.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "openai_chat"

#: How many letters a tool's name may have.
LONGEST_NAME: Final = 64
