"""
Headers that a request must have, and headers that say on whose account it goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gateway import NotAllowed
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


def attributed_to(
    headers: Mapping[str, str], header: str, allowed: Iterable[str]
) -> str | None:
    """
    Return the owner whom *header* names; None where it is not there or empty.

    Args:
        header: Its name.
        allowed: Names and ids of the owners that stand under the key's own.

    Raises:
        NotAllowed: 403 ``attribution_denied``: it names somebody else, or nobody.
    """
    named = headers.get(header, "").strip()
    if not named:
        return None
    if named not in set(allowed):
        # Without the name: whether somebody else has it is none of the caller's business.
        msg = f"{header} names no owner that this virtual key may charge."
        raise NotAllowed(msg, code="attribution_denied")
    return named
