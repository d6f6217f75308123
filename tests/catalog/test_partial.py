from __future__ import annotations

import pytest

from gateway.catalog import Price, Rates, Tier
from gateway.catalog.partial import filled, rates_of, times

WHOLE = {"input_pico": 10, "output_pico": 40, "cache_read_pico": 3, "request_pico": 7}


@pytest.mark.parametrize(
    ("part", "cache_read"),
    [
        pytest.param({"input_pico": 25}, 8, id="raised-with-the-input-and-rounded-up"),
        pytest.param({"output_pico": 80}, 6, id="raised-with-the-output"),
        pytest.param({"input_pico": 5}, 3, id="never-lowered"),
        pytest.param({}, 3, id="nothing-told"),
        pytest.param({"cache_read_pico": 1}, 1, id="told"),
    ],
)
def test_what_is_left_out_is_at_least_what_is_billed(part, cache_read):
    """
    A bucket rises with the price beside it and never falls; what was told stays.
    """
    assert filled(part, WHOLE)["cache_read_pico"] == cache_read


def test_a_price_by_the_piece_does_not_rise():
    """
    Only tokens are dearer in another tier.
    """
    assert filled({"input_pico": 100}, WHOLE)["request_pico"] == 7


def test_a_tier_without_long_prompts_has_the_dearer_price_there():
    """
    Above the standard tier's threshold it costs what either of the two does.
    """
    standard = Rates(
        price=Price(input_pico=10, output_pico=20),
        long=(Tier(above_tokens=5, price=Price(input_pico=20, output_pico=30)),),
    )

    rates = rates_of({"input_pico": 15, "output_pico": 40}, {}, "priority", standard)

    long = rates.at(6)
    assert (long.input_pico, long.output_pico) == (20, 40)
    assert rates.at(5).input_pico == 15


def test_a_factor_raises_tokens_at_every_length():
    """
    Rounded up, and for tokens only.
    """
    price = Price(input_pico=11, output_pico=20, request_pico=9)
    rates = Rates(price=price, long=(Tier(above_tokens=5, price=price),))

    raised = times(rates, 1_100)

    assert raised.price == raised.at(6)
    assert (raised.price.input_pico, raised.price.output_pico) == (13, 22)
    assert raised.price.request_pico == 9
