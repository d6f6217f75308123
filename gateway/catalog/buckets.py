"""
The words for what has a price, in files and in overrides, and how an amount is read exactly.
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Final

#: USD per million tokens, and USD per thousand calls, in pico-USD for one.
PICO_PER_MILLIONTH: Final = 1_000_000
PICO_PER_THOUSANDTH: Final = 1_000_000_000

#: What is priced in USD per million tokens: its word, and its place in `Price`.
TOKENS: Final = {
    "input": "input_pico",
    "cache_read": "cache_read_pico",
    "cache_write_5m": "cache_write_5m_pico",
    "cache_write_1h": "cache_write_1h_pico",
    "input_audio": "input_audio_pico",
    "input_image": "input_image_pico",
    "output": "output_pico",
    "reasoning": "reasoning_pico",
    "output_audio": "output_audio_pico",
    "output_image": "output_image_pico",
}
#: What is priced in USD per thousand.
PIECES: Final = {"image": "image_pico", "request": "request_pico"}
#: Both, each with the pico-USD that one USD of its unit is.
SCALES: Final = {
    **dict.fromkeys(TOKENS, PICO_PER_MILLIONTH),
    **dict.fromkeys(PIECES, PICO_PER_THOUSANDTH),
}
FIELDS: Final = {**TOKENS, **PIECES}

#: No price is dearer than a USD a token, no call than 1,000 USD: a slip of the point is.
_MOST_PICO: Final = 10**15
#: Nothing is rounded in silence.
_EXACT: Final = Context(prec=40, traps=[Inexact, InvalidOperation])


def pico_of(usd: str, scale: int) -> int:
    """
    Read an amount of *usd*, decimal digits, that *scale* pico-USD are one of.

    Raises:
        ValueError: it is no amount, is below zero, absurd, or finer than a pico-USD.
    """
    try:
        pico = _EXACT.multiply(_EXACT.create_decimal(usd), Decimal(scale))
        is_price = 0 <= pico <= _MOST_PICO and pico == int(pico)
    except (
        ArithmeticError
    ):  # no number, not a number, or more digits than anybody bills
        msg = f'"{usd[:40]}" is no amount of USD'
        raise ValueError(msg) from None
    if not is_price:
        msg = f"{usd[:40]} USD is no whole number of pico-USD, or not a price"
        raise ValueError(msg)
    return int(pico)


def usd_of(pico: int, scale: int) -> str:
    """
    Write *pico* as `pico_of` reads it, exactly and without an exponent.
    """
    usd = Decimal(pico) / scale
    text = f"{usd:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
