"""
Where callers put their key.
"""

from __future__ import annotations

from collections.abc import Mapping

#: Headers that carry a bare key, in the order in which they count; OpenAI's and the first
#: three vendors' clients all find a place that they know.
_BEFORE_BEARER = ("x-bf-vk", "x-gw-key")
_AFTER_BEARER = ("x-api-key", "x-goog-api-key", "api-key")
_BEARER = "bearer "


def credential_of(headers: Mapping[str, str]) -> str | None:
    """
    Return the key that a caller shows, or None.

    Args:
        headers: Case-insensitive, as a server gives them.
    """
    for name in _BEFORE_BEARER:
        if value := headers.get(name):
            return value
    authorization = headers.get("Authorization", "")
    if authorization[: len(_BEARER)].lower() == _BEARER:
        return authorization[len(_BEARER) :].strip() or None
    for name in _AFTER_BEARER:
        if value := headers.get(name):
            return value
    return None
