from __future__ import annotations

from datetime import date

import pytest

from gateway.catalog import Price, Rates, Tariff, Tier
from gateway_governance.overriding import overridden, read_changes

SHORT = Price(input_pico=10_000_000, output_pico=20_000_000, cache_read_pico=1_000_000)
LONG = Price(input_pico=15_000_000, output_pico=30_000_000, cache_read_pico=2_000_000)
TARIFF = Tariff(
    valid_from=date(2026, 1, 31),
    rates=Rates(price=SHORT, long=(Tier(above_tokens=200, price=LONG),)),
    services=(("priority", Rates(price=LONG)),),
)


def changed(tariff: Tariff | None = TARIFF, **prices: str) -> Tariff | None:
    return overridden(read_changes(prices), tariff)


class TestOverridden:
    def test_a_bucket_has_its_price_at_every_length(self):
        """
        What an operator says of a bucket holds for the standard tier; the rest stays.
        """
        tariff = changed(input="1")

        assert tariff.price.input_pico == 1_000_000
        assert tariff.rates.at(201).input_pico == 1_000_000
        assert tariff.rates.at(201).output_pico == 30_000_000
        assert tariff.price.cache_read_pico == 1_000_000
        assert tariff.rates_of("priority").price == LONG
        assert tariff.valid_from == TARIFF.valid_from

    @pytest.mark.parametrize("names", [("input", "input@200"), ("input@200", "input")])
    def test_what_is_said_of_one_length_stands(self, names):
        """
        Whatever the order in which the prices are written.
        """
        usd = {"input": "1", "input@200": "3"}

        tariff = changed(**{name: usd[name] for name in names})

        assert tariff.rates.at(200).input_pico == 1_000_000
        assert tariff.rates.at(201).input_pico == 3_000_000

    def test_a_new_length_begins_as_what_held_there(self):
        """
        Other buckets of it cost what they did, and longer prompts still their own.
        """
        tariff = changed(**{"output@100": "25"})

        assert tariff.rates.at(101).output_pico == 25_000_000
        assert tariff.rates.at(101).input_pico == 10_000_000
        assert tariff.rates.at(201) == LONG

    def test_a_service_tier_has_prices_of_its_own(self):
        """
        One that the catalog knows is changed, another begins as the standard tier.
        """
        tariff = changed(**{"input": "1", "priority.input": "2", "flex.output": "3"})

        assert tariff.rates_of("priority").price.input_pico == 2_000_000
        assert tariff.rates_of("priority").price.output_pico == 30_000_000
        assert tariff.rates_of("flex").price.input_pico == 1_000_000
        assert tariff.rates_of("flex").price.output_pico == 3_000_000

    def test_pieces_and_tools(self):
        """
        They are priced per thousand; a tool that had a price keeps it.
        """
        tariff = changed(**{"image": "5", "tool:web_search": "10", "tool:shell": "0"})

        assert tariff.price.image_pico == 5_000_000_000
        assert dict(tariff.rates.at(201).server_tools) == {
            "web_search": 10_000_000_000,
            "shell": 0,
        }

    def test_a_price_can_be_made_from_nothing(self):
        """
        A model that the catalog does not price needs a price of both, prompt and answer.
        """
        tariff = changed(None, input="1", output="0", cache_read="0.5")

        assert (tariff.price.input_pico, tariff.price.output_pico) == (1_000_000, 0)
        assert tariff.price.cache_read_pico == 500_000

    @pytest.mark.parametrize(
        "prices",
        [
            {"input": "1"},
            {"output": "1"},
            {"input@5": "1", "output": "1"},
            {"priority.input": "1", "priority.output": "1"},
        ],
    )
    def test_half_a_price_is_none(self, prices):
        """
        What it would leave out is not taken to cost nothing.
        """
        assert changed(None, **prices) is None


@pytest.mark.parametrize(
    ("name", "usd", "said"),
    [
        ("inptu", "1", '"inptu" is no name'),
        ("valid_from", "1", "is no name"),
        ("tool:", "1", "is no name"),
        ("input@", "1", "is no name"),
        ("input@-5", "1", "is no name"),
        ("a.b.input", "1", "is no name"),
        ("", "1", "is no name"),
        ("input", "free", "input: .*no amount"),
        ("input", "-1", "input: .*not a price"),
        ("x" * 999, "1", "is no name"),
    ],
)
def test_what_is_no_price_is_named(name, usd, said):
    """
    A fault says which price it is and what is wrong, cut to a length.
    """
    with pytest.raises(ValueError, match=said) as caught:
        read_changes({name: usd})

    assert len(str(caught.value)) < 400


def test_the_default_service_tier_is_the_standard_one():
    """
    OpenAI's word for it may be written as well.
    """
    assert changed(**{"default.input": "1"}).price.input_pico == 1_000_000
