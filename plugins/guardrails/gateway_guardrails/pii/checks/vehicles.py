"""
Vehicles.

Source: ISO 3779; the check digit is that of 49 CFR 565, required in North America and used by many.
"""

from __future__ import annotations

from typing import Final

__all__ = ["vin"]

_VALUES: Final = dict(
    zip(
        "0123456789ABCDEFGHJKLMNPRSTUVWXYZ",
        [*range(10), *range(1, 9), *range(1, 6), 7, 9, *range(2, 10)],
        strict=True,
    )
)
_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def vin(value: str) -> bool:
    """
    Tell whether the ninth character is the check digit of a vehicle.
    """
    total = 0
    for weight, one in zip(_WEIGHTS, value, strict=True):
        place = _VALUES.get(one)
        if place is None:
            return False
        total += weight * place
    return value[8] == "0123456789X"[total % 11] and not value.isdigit()
