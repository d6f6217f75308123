"""
What people type: amounts per period, spans of time, owners.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

import click

from gateway.clock import read_span
from gateway_governance.entities import Period
from gateway_governance.periods import CODES, code_of

_PERIODS: Final[Mapping[str, str]] = {
    **{period.value: code_of(period) for period in Period},
    **{code: code for code in CODES},
}
_RATE: Final = re.compile(r"([0-9]{1,15}) ?(requests?|tokens?)/(.+)")
_MAX_AMOUNT: Final = 30
#: What an owner may be called, and the routes of its kind.
OWNERS: Final[Mapping[str, tuple[str, str]]] = {
    "team": ("teams", "team"),
    "customer": ("customers", "customer"),
    "key": ("virtual-keys", "virtual_key"),
    "virtual_key": ("virtual-keys", "virtual_key"),
    "model": ("model-configs", "model_config"),
}


if TYPE_CHECKING:
    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType  # which older versions take no types for


class Word(_ParamType):
    """
    A word that *read* understands; what it raises is told as wrong usage.
    """

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name = name
        self._read = read

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """
        Read *value*, unless it was read already.
        """
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except ValueError as exc:
            self.fail(f"{value}: {exc}", param, ctx)


def read_budget(text: str) -> dict[str, Any]:
    """
    Read ``20/day`` as the API's budget.

    Raises:
        ValueError: it is none.
    """
    amount, _, period = text.partition("/")
    return {"max_limit": read_usd(amount), "reset_duration": read_period(period)}


def read_rate(text: str) -> dict[str, Any]:
    """
    Read ``600requests/minute`` as the API's rate limit.

    Raises:
        ValueError: it is none.
    """
    found = _RATE.fullmatch(text)
    if found is None:
        msg = "write it as 600requests/minute or 400000tokens/minute"
        raise ValueError(msg)
    return {
        "unit": f"{found[2].removesuffix('s')}s",
        "max_limit": int(found[1]),
        "reset_duration": read_period(found[3]),
    }


def read_period(text: str) -> str:
    """
    Read a period as the API's code.

    Raises:
        ValueError: it is none.
    """
    if text not in _PERIODS:
        msg = "a period is minute, hour, day, week, month, quarter or year"
        raise ValueError(msg)
    return _PERIODS[text]


def read_usd(text: str) -> Decimal:
    """
    Read an amount of USD; it is sent digit by digit.

    Raises:
        ValueError: it is none.
    """
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or len(text) > _MAX_AMOUNT:
        msg = "is no amount of USD"
        raise ValueError(msg)
    return amount


def read_owner(text: str) -> tuple[str, str]:
    """
    Read ``team/payments`` as kind and name.

    Raises:
        ValueError: it is none.
    """
    kind, _, name = text.partition("/")
    if kind not in OWNERS or not name:
        msg = f"write it as team/payments; owners are {' '.join(OWNERS)}"
        raise ValueError(msg)
    return kind, name


BUDGET: Final = Word("amount/period", read_budget)
RATE: Final = Word("amount/period", read_rate)
PERIOD: Final = Word("period", read_period)
USD: Final = Word("usd", read_usd)
SPAN: Final = Word("span", read_span)
OWNER: Final = Word("kind/name", read_owner)
