"""
Look-alikes look alike, and belong to nobody.
"""

from __future__ import annotations

import re

import pytest

from gateway_guardrails.redaction.lookalikes import Lookalikes

MADE = Lookalikes(b"a key of thirty-two bytes, for us")


def first(kind, value):
    return next(MADE.of(kind, value))


def luhn_is_right(number):
    digits = [int(one) for one in re.sub(r"\D", "", number)]
    doubled = [sum(divmod(2 * one, 10)) for one in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def iban_is_right(written):
    bare = re.sub(r"\s", "", written)
    moved = bare[4:] + bare[:4]
    return int("".join(str(int(one, 36)) for one in moved)) % 97 == 1


@pytest.mark.parametrize(
    ("kind", "value", "shape"),
    [
        ("EMAIL", "jane@acme.com", r"[a-z]+\.[a-z]+\d{3}@example\.com"),
        ("PHONE", "+41 44 668 18 00", r"\+1 \d{3} 555-01\d\d"),
        ("PERSON", "Jane Doe", r"[A-Z][a-z]+ [A-Z][a-z]+"),
        ("IP_ADDRESS", "10.1.2.3", r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+"),
        ("IP_ADDRESS", "fe80::1", r"2001:db8::[0-9a-f]+"),
        ("DATE_OF_BIRTH", "1980-02-03", r"19\d\d-(0[1-9]|1[0-2])-(0[1-9]|1[0-2])"),
        ("CARD_EXPIRY", "12/27", r"(0[1-9]|1[0-2])/(0[1-9]|1[0-2])"),
        ("MAC_ADDRESS", "00:1A:2b:3c:4d:5e", r"([0-9a-f]{2}:){5}[0-9a-f]{2}"),
        ("US_SSN", "123-45-6789", r"9\d\d-\d\d-\d{4}"),
        ("URL", "https://acme.com/x", r"https://example\.com/[a-z]{8}"),
        ("aws_access_key", "AKIA-x9", r"[A-Z]{4}-[a-z]\d"),
    ],
)
def test_shapes(kind, value, shape):
    """
    Each has the shape of its kind, from what is kept free for examples.
    """
    assert re.fullmatch(shape, first(kind, value))


@pytest.mark.parametrize(
    "value", ["4111 1111 1111 1111", "3782-822463-10005", "5500005555555559"]
)
def test_cards(value):
    """
    A card is a test card, with a right check digit, written like the one that it stands for.
    """
    made = first("CREDIT_CARD", value)

    assert luhn_is_right(made)
    assert re.sub(r"\d", "0", made) == re.sub(r"\d", "0", value)
    assert made.replace(" ", "").replace("-", "")[:4] in ("4111", "3782", "5555")


@pytest.mark.parametrize(
    "value", ["CH93 0076 2011 6238 5295 7", "DE89370400440532013000"]
)
def test_ibans(value):
    """
    An IBAN has the country, the length and right check digits, and a bank that is none.
    """
    made = first("IBAN", value)

    assert iban_is_right(made)
    assert made[:2] == value[:2]
    assert [len(one) for one in made.split()] == [len(one) for one in value.split()]


def test_the_key_decides():
    """
    The same value has the same look-alikes everywhere, with another key others.
    """
    here = list(MADE.of("EMAIL", "jane@acme.com"))

    assert here == list(Lookalikes(MADE.key).of("EMAIL", "jane@acme.com"))
    assert here != list(Lookalikes(b"another").of("EMAIL", "jane@acme.com"))
    assert len(set(here)) > 10
