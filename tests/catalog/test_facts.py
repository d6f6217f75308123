from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from gateway.catalog import UNKNOWN, ModelFacts, Price, Rates, Tariff, Tier
from gateway.usage import Usage


def tariff(day: str, input_pico: int) -> Tariff:
    price = Price(input_pico=input_pico, output_pico=0)
    return Tariff(valid_from=date.fromisoformat(day), rates=Rates(price=price))


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


EARLY = tariff("2026-01-31", 1_000)
LATE = tariff("2026-07-01", 2_000)
FACTS = ModelFacts(provider="acme", model="m", tariffs=(EARLY, LATE))


@pytest.mark.parametrize(
    ("when", "found"),
    [
        pytest.param("2026-01-31T00:00:00", EARLY, id="the-first-day"),
        pytest.param("2026-06-30T23:59:59", EARLY, id="the-last-second"),
        pytest.param("2026-07-01T00:00:00", LATE, id="the-next-day-begins"),
        pytest.param("2031-01-01T00:00:00", LATE, id="for-ever"),
        pytest.param("2020-01-01T00:00:00", EARLY, id="before-it-was-learned"),
        pytest.param("1970-01-01T00:00:00", EARLY, id="epoch"),
    ],
)
def test_a_price_holds_from_its_day_on(when, found):
    """
    Days begin in UTC; the first price is the best that is known of earlier days.
    """
    assert FACTS.tariff_at(at(when)) is found


@pytest.mark.parametrize(
    ("window", "above", "most"),
    [
        pytest.param(128_000, None, 128_000, id="one-price"),
        pytest.param(128_000, 100_000, 128_000, id="a-price-within"),
        pytest.param(200_000, 200_000, None, id="a-price-beyond"),
        pytest.param(None, 200_000, None, id="unknown"),
    ],
)
def test_the_longest_prompt_is_the_window_unless_a_price_lies_beyond(
    window, above, most
):
    """
    A price for longer prompts than the documented window shows that there is a longer one.
    """
    price = Price(input_pico=1, output_pico=1)
    long = () if above is None else (Tier(above_tokens=above, price=price),)
    tariff = Tariff(valid_from=date(2026, 1, 31), rates=Rates(price=price, long=long))
    facts = ModelFacts(
        provider="acme", model="m", context_window=window, tariffs=(tariff,)
    )

    assert facts.most_input_tokens == most


def test_usage_is_priced_at_its_time():
    """
    An old record can be priced again as it was.
    """
    usage = Usage(input=10)

    assert FACTS.cost_nano(usage, at=at("2026-02-01T00:00:00")) == 10
    assert FACTS.cost_nano(usage, at=at("2026-08-01T00:00:00")) == 20


def test_without_a_price_there_is_no_cost():
    """
    An unknown price is None, never zero.
    """
    assert UNKNOWN.tariff_at(0) is None
    assert UNKNOWN.cost_nano(Usage(input=1), at=0) is None


def test_two_prices_of_one_day_are_refused():
    """
    Nobody could say which of them holds.
    """
    with pytest.raises(ValueError, match="order of their days"):
        ModelFacts(provider="acme", model="m", tariffs=(EARLY, EARLY))


def test_a_tool_keeps_the_price_that_it_had():
    """
    Lists of prices seldom name every tool; the prices of tokens are of one list.
    """

    def facts(cache_read_pico, *tools):
        price = Price(
            input_pico=1,
            output_pico=2,
            cache_read_pico=cache_read_pico,
            server_tools=tools,
        )
        rates = Rates(price=price, long=(Tier(above_tokens=5, price=price),))
        tariff = Tariff(
            valid_from=date(2026, 1, 31), rates=rates, services=(("flex", rates),)
        )
        return ModelFacts(provider="acme", model="m", tariffs=(tariff,))

    known = facts(None, ("search", 9)).over(facts(1, ("search", 5), ("fetch", 0)))

    tariff = known.tariffs[0]
    for price in (tariff.price, tariff.rates.at(9), tariff.rates_of("flex").at(9)):
        assert dict(price.server_tools) == {"search": 9, "fetch": 0}
        assert price.cache_read_pico is None


def test_newer_facts_keep_what_they_do_not_know():
    """
    A price list does not make the gateway forget what a model refuses.
    """
    older = ModelFacts(
        provider="acme",
        model="m",
        max_output_tokens=7,
        takes_sampling=False,
        tariffs=(EARLY,),
        capabilities=frozenset({"tools"}),
    )
    newer = ModelFacts(
        provider="acme", model="m", max_output_tokens=9, tariffs=(LATE,), source="new"
    )

    known = newer.over(older)

    assert (known.max_output_tokens, known.takes_sampling) == (9, False)
    assert known.tariffs == (LATE,)
    assert known.capabilities == {"tools"}
    assert known.source == "new"
