"""
The dialect's name, and ids of tool calls in the letters that Anthropic accepts.

Source: Anthropic's API reference: the id of a call is ``[a-zA-Z0-9_-]+``.
"""

from __future__ import annotations

import base64
import re
from typing import Final

NAME: Final = "anthropic_messages"

#: How many letters a tool's name may have.
LONGEST_NAME: Final = 128

_ID: Final = re.compile(r"[a-zA-Z0-9_-]+")
_WRAPPED: Final = "gwid_"


def written_id(raw: str) -> str:
    """
    Return the id of a tool call in the letters that Anthropic accepts; see `read_id`.
    """
    if _ID.fullmatch(raw):
        return raw
    wrapped = base64.urlsafe_b64encode(raw.encode("utf-8", "surrogatepass"))
    return _WRAPPED + wrapped.decode().rstrip("=")


def read_id(written: str) -> str:
    """
    Return the id that `written_id` wrote; another's as it is.
    """
    if not written.startswith(_WRAPPED):
        return written
    body = written[len(_WRAPPED) :]
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4), b"-_", validate=True)
        return raw.decode("utf-8", "surrogatepass")
    except ValueError:
        return written
