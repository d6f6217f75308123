"""
Headers that a request must have, and those by which it names who pays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from gateway.errors import InvalidRequest

if TYPE_CHECKING:
    from gateway_governance.snapshot import Found, Snapshot

#: Names a team below the customer that a key belongs to: its limits hold, and its usage it is.
TEAM_HEADER: Final = "x-gw-team"
#: Name the customer, which can only be the key's own; two as Bifrost has them.
CUSTOMER_HEADERS: Final = ("x-gw-customer", "x-bf-customer-id", "x-bf-customer-name")


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


def attributed(headers: Mapping[str, str], found: Found, snapshot: Snapshot) -> Found:
    """
    Return *found* as a request with *headers* attributes it: to owners under the key's own alone.

    Raises:
        InvalidRequest: 400 ``invalid_attribution``; another owner is named, whether or not there
            is one.
    """
    customer = found.customer
    own = () if customer is None else (customer.id, customer.name)
    for header in CUSTOMER_HEADERS:
        name = headers.get(header)
        if name is not None and name not in own:
            raise _not_below(header)
    name = headers.get(TEAM_HEADER)
    if name is None:
        return found
    under = snapshot.attributed(found, name)
    if under is None:
        raise _not_below(TEAM_HEADER)
    return under


def _not_below(header: str) -> InvalidRequest:
    msg = f"The header {header} names nobody under the owner of this virtual key."
    return InvalidRequest(msg, code="invalid_attribution")
