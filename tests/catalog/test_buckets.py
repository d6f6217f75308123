from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog import Price
from gateway.catalog.buckets import FIELDS, PICO_PER_MILLIONTH, pico_of, usd_of


def test_every_price_has_a_word():
    """
    What can be priced can be written in a file, tools beside it by their names.
    """
    fields = {field.name for field in attrs.fields(Price)}

    assert set(FIELDS.values()) == fields - {"server_tools", "other_tools_pico"}


@pytest.mark.parametrize(
    ("usd", "pico"),
    [("1.25", 1_250_000), ("3.75e-2", 37_500), ("0", 0), ("0.000001", 1)],
)
def test_amounts_are_exact(usd, pico):
    """
    Digits are read as decimals, with an exponent or without.
    """
    assert pico_of(usd, PICO_PER_MILLIONTH) == pico


@pytest.mark.parametrize(
    "usd",
    [
        "",
        "x",
        "-1",
        "NaN",
        "Infinity",
        "1e99",
        "0.0000001",
        "sNaN",
        "1." + "0" * 50 + "1",
    ],
)
def test_what_is_no_amount_is_refused(usd):
    """
    No price is negative, endless or finer than what is counted.
    """
    with pytest.raises(ValueError, match="USD"):
        pico_of(usd, PICO_PER_MILLIONTH)


@given(st.integers(0, 10**15), st.sampled_from([1_000, 10**6, 10**9]))
def test_what_is_written_is_read_again(pico, scale):
    """
    An amount survives the file, to the last digit.
    """
    text = usd_of(pico, scale)

    assert "e" not in text.lower()
    assert pico_of(text, scale) == pico
