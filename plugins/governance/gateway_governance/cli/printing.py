"""
How commands answer: tables for people, one JSON document for programs.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from gateway.client import Client
from gateway_governance.periods import CODES

ROOT: Final = "/api/governance"
#: Entries that one request asks for, and that a command asks for in all.
PAGE: Final = 1_000
MOST: Final = 100_000


def everything(
    client: Client, path: str, name: str, query: dict[str, object] | None = None
) -> list[dict[str, Any]]:
    """
    Get a list page by page.
    """
    found: list[dict[str, Any]] = []
    while len(found) < MOST:
        told = {**(query or {}), "limit": PAGE, "offset": len(found)}
        page = client.get(ROOT + path, told)[name]
        found += page
        if len(page) < PAGE:
            break
    return found


def usd_text(usd: float | Decimal | None) -> str:
    """
    Write USD as people do: two digits, more where they say something.
    """
    if usd is None:
        return ""
    text = f"{Decimal(str(usd)):.9f}".rstrip("0")
    whole, _, digits = text.partition(".")
    return f"{whole}.{digits.ljust(2, '0')}"


def period_text(code: str) -> str:
    """
    Write a period as the settings do, for the API's letter code.
    """
    period = CODES.get(code)
    return code if period is None else period.value


def day_text(moment: str | None) -> str:
    """
    Shorten a time to its minute.
    """
    return "" if moment is None else moment[:16].replace("T", " ")
