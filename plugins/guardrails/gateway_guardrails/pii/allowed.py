"""
What is never a finding, though it has the shape of one.
"""

from __future__ import annotations

import ipaddress
from typing import Final

from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.options import Selection

__all__ = ["Allowed"]

#: RFC 5737, RFC 3849, RFC 9637.
_DOCUMENTATION: Final = tuple(
    ipaddress.ip_network(one)
    for one in (
        "192.0.2.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "2001:db8::/32",
        "3fff::/20",
    )
)
#: RFC 2606, RFC 6761.
_EXAMPLES: Final = (
    "example.com",
    "example.net",
    "example.org",
    ".example",
    ".test",
    ".invalid",
)


class Allowed:
    """
    Tells what a rule lets pass.

    Attributes:
        is_any: Whether it lets anything pass.
    """

    def __init__(self, selection: Selection) -> None:
        self._values = selection.allowed
        self._patterns = selection.allow_patterns
        self._documentation = selection.ignore_documentation
        self._private = selection.ignore_private
        self.is_any = bool(
            self._values or self._patterns or self._documentation or self._private
        )

    def covers(self, value: str, kind: Kind) -> bool:
        """
        Tell whether *value*, of *kind*, is no finding.
        """
        if value in self._values or any(one.fullmatch(value) for one in self._patterns):
            return True
        if kind.family == "ip":
            return self._covers_address(value)
        return (
            self._documentation
            and kind.family == "email"
            and value.lower().endswith(_EXAMPLES)
        )

    def _covers_address(self, value: str) -> bool:
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            return False
        if any(
            address.version == network.version and address in network
            for network in _DOCUMENTATION
        ):
            return self._documentation
        return self._private and address.is_private
