"""
Headers that a request must have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.errors import InvalidRequest


def check_required(headers: Mapping[str, str], required: Sequence[str]) -> None:
    """
    Refuse a request that lacks one of the *required* headers, or has it empty.

    Args:
        headers: Case-insensitive, as a server gives them.

    Raises:
        InvalidRequest: 400 ``missing_required_headers``, naming all that are missing.
    """
    missing = [name for name in required if not headers.get(name, "").strip()]
    if missing:
        names = ", ".join(missing)
        msg = f"missing required headers: {names}"
        raise InvalidRequest(msg, code="missing_required_headers")
