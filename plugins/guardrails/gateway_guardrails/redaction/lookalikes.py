"""
Synthetic look-alikes: values of the same shape that belong to nobody.

They stand in ranges that are kept free for examples: RFC 2606 names, RFC 5737 and RFC 3849
addresses, numbers 555-0100 to 555-0199 (NANPA), test card ranges, and IBANs and identifiers whose
checksum is right and whose bank or area does not exist.  Which one stands for a value is decided
by a keyed hash, so that it is the same one on every worker.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Final

import attrs

_TRIES = 16
_FIRST: Final = (
    "Alex Casey Dana Erin Frankie Glenn Harper Jamie Kelly Lee Morgan Noel Parker Quinn Robin "
    "Sam Taylor Val Wren Yael"
).split()
_LAST: Final = (
    "Abernathy Birch Calloway Dunmore Everly Fairburn Garrick Holloway Ingram Jessop Kirkwood "
    "Larkin Merrow Norwood Oakley Penrose Quill Rosewood Stanhope Thornbury"
).split()
_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz"
_CARD_HEADS: Final = {"3": "378282", "5": "555555", "6": "601111"}


class Digits:
    """
    A stream of choices that a key and a value decide.
    """

    def __init__(self, key: bytes, kind: str, value: str, turn: int) -> None:
        raw = f"{kind}\0{turn}\0{value}".encode("utf-8", "surrogatepass")
        self._seed = blake2b(raw, key=key, digest_size=32, person=b"lookalike").digest()
        self._left = int.from_bytes(self._seed, "big")

    def below(self, bound: int) -> int:
        """
        Choose a number below *bound*.
        """
        if self._left < bound << 64:
            self._seed = blake2b(self._seed, digest_size=32).digest()
            self._left = int.from_bytes(self._seed, "big")
        self._left, chosen = divmod(self._left, bound)
        return chosen

    def pick(self, choices: list[str] | str) -> str:
        """
        Choose one of *choices*.
        """
        return choices[self.below(len(choices))]


@attrs.frozen(repr=False)
class Lookalikes:
    """
    Makes look-alikes by one key.
    """

    key: bytes

    def of(self, kind: str, value: str) -> Iterator[str]:
        """
        Yield look-alikes of *value*, which is a *kind*, the next one where one is taken.
        """
        make = _MAKERS.get(kind.upper(), _same_shape)
        for turn in range(_TRIES):
            made = make(value, Digits(self.key, kind, value, turn))
            if made != value:
                yield made


def _email(value: str, digits: Digits) -> str:
    first = digits.pick(_FIRST).lower()
    return f"{first}.{digits.pick(_LAST).lower()}{digits.below(900) + 100}@example.com"


def _person(value: str, digits: Digits) -> str:
    first, last = digits.pick(_FIRST), digits.pick(_LAST)
    return f"{first} {last}" if " " in value.strip() else first


def _phone(value: str, digits: Digits) -> str:
    local = f"555-01{digits.below(100):02d}"
    area = 200 + digits.below(800)
    return f"+1 {area} {local}" if value.lstrip().startswith("+") else f"{area}-{local}"


def _card(value: str, digits: Digits) -> str:
    count = sum(character.isdigit() for character in value)
    head = _CARD_HEADS.get(value.lstrip()[:1], "411111")[: max(count - 1, 1)]
    body = head + "".join(str(digits.below(10)) for _ in range(count - 1 - len(head)))
    return _written_like(value, body + _luhn(body))


def _iban(value: str, digits: Digits) -> str:
    bare = re.sub(r"[^0-9A-Za-z]", "", value).upper()
    if len(bare) < 8 or not bare[:2].isalpha():
        return _same_shape(value, digits)
    # Bank 0000…: no registry gives it away.
    rest = len(bare) - 4
    free = min(8, rest)
    account = "0" * (rest - free) + "".join(str(digits.below(10)) for _ in range(free))
    check = 98 - _mod_97(f"{account}{bare[:2]}00")
    return _written_like(value, f"{bare[:2]}{check:02d}{account}")


def _ip(value: str, digits: Digits) -> str:
    if ":" in value:
        return f"2001:db8::{digits.below(0xFFFF) + 1:x}"
    return (
        f"{digits.pick(['192.0.2', '198.51.100', '203.0.113'])}.{digits.below(254) + 1}"
    )


def _ssn(value: str, digits: Digits) -> str:
    # Area 900 and above is never issued (SSA).
    number = f"{900 + digits.below(100)}{digits.below(99) + 1:02d}{digits.below(9999) + 1:04d}"
    return _written_like(value, number)


def _url(value: str, digits: Digits) -> str:
    scheme = value.split("://", 1)[0] if "://" in value else "https"
    name = "".join(digits.pick(_LETTERS) for _ in range(8))
    return f"{scheme}://example.com/{name}"


def _date(value: str, digits: Digits) -> str:
    def number(match: re.Match[str]) -> str:
        if len(match[0]) == 4:
            return str(1950 + digits.below(50))
        # Right for a day as for a month, in whatever order they stand.
        return str(digits.below(12) + 1).zfill(len(match[0]))

    return re.sub(r"\d+", number, value)


def _hexadecimal(value: str, digits: Digits) -> str:
    return re.sub(r"[0-9A-Fa-f]", lambda _: f"{digits.below(16):x}", value)


def _same_shape(value: str, digits: Digits) -> str:
    return "".join(_like(character, digits) for character in value)


def _like(character: str, digits: Digits) -> str:
    if character.isdigit():
        return str(digits.below(10))
    if character.isalpha():
        letter = digits.pick(_LETTERS)
        return letter.upper() if character.isupper() else letter
    return character


def _written_like(value: str, symbols: str) -> str:
    """
    Put *symbols* where *value* has letters and digits, and its separators between them.
    """
    rest = iter(symbols)
    made = "".join(
        next(rest, "") if character.isalnum() else character for character in value
    )
    return made + "".join(rest)


def _luhn(body: str) -> str:
    """
    Return the check digit of *body* (ISO/IEC 7812-1, annex B).
    """
    total = 0
    for place, character in enumerate(reversed(body)):
        doubled = int(character) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def _mod_97(written: str) -> int:
    """
    Return the remainder by 97 of *written*, letters as 10 to 35 (ISO 13616).
    """
    return int("".join(str(int(character, 36)) for character in written)) % 97


_MAKERS: Final[dict[str, Callable[[str, Digits], str]]] = {
    "EMAIL": _email,
    "EMAIL_ADDRESS": _email,
    "PERSON": _person,
    "PERSON_NAME": _person,
    "NAME": _person,
    "PHONE": _phone,
    "PHONE_NUMBER": _phone,
    "CREDIT_CARD": _card,
    "CARD": _card,
    "IBAN": _iban,
    "IP_ADDRESS": _ip,
    "IPV4": _ip,
    "IPV6": _ip,
    "DATE_OF_BIRTH": _date,
    "DATE": _date,
    "CARD_EXPIRY": _date,
    "MAC_ADDRESS": _hexadecimal,
    "US_SSN": _ssn,
    "SSN": _ssn,
    "URL": _url,
}
