"""
Check digits, as the standards and authorities define them.

Sources: ISO/IEC 7812-1 (Luhn), ISO/IEC 7064 (mod 97-10, 11-2, 11-10), J. Verhoeff, "Error
detecting decimal codes" (1969); the sums over weights stand beside the numbers they are for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import mul
from string import ascii_letters
from typing import Final

__all__ = [
    "ean",
    "is_repeated",
    "luhn",
    "mod_11_10",
    "mod_11_2",
    "mod_97",
    "verhoeff",
    "weighed",
    "weighted",
]

_ZERO: Final = ord("0")
#: Digits as they are written, twice, with the digits of what that is added up.
_DOUBLED: Final = bytes.maketrans(b"0123456789", b"0246813579")
#: Digits as they are written, as what they count.
_COUNTS: Final = bytes.maketrans(b"0123456789", bytes(range(10)))
#: Letters, of either case, as what they count from ten on.
_COUNTED: Final = str.maketrans({one: str(int(one, 36)) for one in ascii_letters})
#: The dihedral group D5, and how a digit is permuted from place to place.
_D5: Final[Sequence[Sequence[int]]] = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 2, 3, 4, 0, 6, 7, 8, 9, 5),
    (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7),
    (4, 0, 1, 2, 3, 9, 5, 6, 7, 8),
    (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2),
    (7, 6, 5, 9, 8, 2, 1, 0, 4, 3),
    (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)
_FIRST: Final = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _pairs() -> Sequence[dict[str, int]]:
    """
    Return what two digits come to, as they are written, by how many such stand right of them.
    """
    rows = [tuple(range(10))]
    for _ in range(7):
        rows.append(tuple(_FIRST[digit] for digit in rows[-1]))
    return [
        {
            f"{left}{right}": _D5[rows[at][right]][rows[at + 1][left]]
            for left in range(10)
            for right in range(10)
        }
        for at in range(0, 8, 2)
    ]


#: For each place of the permutation's period, which is eight digits.
_PAIRS: Final = _pairs()


def luhn(value: str) -> bool:
    """
    Tell whether the last digit is Luhn's check digit.
    """
    digits = value.encode()
    total = sum(digits[-1::-2]) + sum(digits[-2::-2].translate(_DOUBLED))
    return (total - _ZERO * len(digits)) % 10 == 0


def is_repeated(value: str) -> bool:
    """
    Tell whether *value* is one character over and over.
    """
    return value == value[0] * len(value)


def mod_97(value: str) -> bool:
    """
    Tell whether *value*, letters counted from ten, leaves 1 when divided by 97 (ISO 7064).
    """
    return int(value.translate(_COUNTED)) % 97 == 1


def mod_11_10(value: str) -> bool:
    """
    Tell whether the last digit is the check digit of ISO 7064 mod 11,10.
    """
    rest = 10
    for digit in value[:-1]:
        rest = (rest + int(digit)) % 10 or 10
        rest = rest * 2 % 11
    return (rest + int(value[-1])) % 10 == 1


def mod_11_2(value: str) -> bool:
    """
    Tell whether the last character, a digit or X, is that of ISO 7064 mod 11-2.
    """
    rest = 0
    for digit in value[:-1]:
        rest = (rest + int(digit)) * 2 % 11
    return (rest + (10 if value[-1] == "X" else int(value[-1]))) % 11 == 1


def verhoeff(value: str) -> bool:
    """
    Tell whether the last digit is Verhoeff's check digit, of an even number of digits.
    """
    state = 0
    for place, at in enumerate(range(len(value) - 2, -1, -2)):
        state = _D5[state][_PAIRS[place & 3][value[at : at + 2]]]
    return state == 0


def ean(value: str) -> bool:
    """
    Tell whether the last digit is that of an EAN-13 (GS1).
    """
    digits = [int(digit) for digit in value]
    return (sum(digits[-1::-2]) + 3 * sum(digits[-2::-2])) % 10 == 0


def weighed(value: str, weights: Sequence[int]) -> int:
    """
    Add up the digits, each times its weight, as far as there are weights.
    """
    return sum(map(mul, weights, value.encode().translate(_COUNTS)))


def weighted(weights: Sequence[int], modulus: int) -> Callable[[str], bool]:
    """
    Make a check: the sum of all digits times *weights* is a multiple of *modulus*.
    """

    def check(value: str) -> bool:
        return weighed(value, weights) % modulus == 0

    return check
