from __future__ import annotations

from datetime import date

import attrs
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog import Catalog, ModelFacts, Price, Rates, Tariff, Tier
from gateway.catalog.reading import read_builtin, read_catalog
from gateway.catalog.writing import write_catalog

PRICE = Price(input_pico=1, output_pico=2_500_000, cache_read_pico=37_500)


def test_the_builtin_catalog_is_read_as_it_was_written():
    """
    Nothing of what the gateway knows is lost on the way through a file.
    """
    known = list(read_builtin())

    again = list(read_catalog(write_catalog(known)))

    assert Catalog(again).version == Catalog(known).version
    assert {facts.source for facts in again} == {facts.source for facts in known}


def test_everything_that_has_a_price_survives():
    """
    Times, service tiers, regions, long prompts, pieces and tools are all in the file.
    """
    dearer = attrs.evolve(
        PRICE,
        input_pico=7,
        image_pico=5_000_000,
        request_pico=1,
        server_tools=(("s", 3),),
    )
    rates = Rates(
        price=dearer,
        long=(Tier(above_tokens=5, price=PRICE), Tier(above_tokens=9, price=dearer)),
    )
    early = Tariff(valid_from=date(2026, 1, 31), rates=Rates(price=PRICE))
    late = Tariff(
        valid_from=date(2026, 7, 1),
        rates=rates,
        services=(("flex", Rates(price=PRICE)), ("priority", rates)),
        regions=(("us", 1_100),),
    )
    known = ModelFacts(provider="acme", model="m", tariffs=(early, late))

    assert list(read_catalog(write_catalog([known]))) == [known]


def test_a_line_is_a_model():
    """
    Two files differ in the lines of the models that differ.
    """
    known = [ModelFacts(provider="acme", model=name) for name in ("n", "m")]

    assert write_catalog(known) == '"acme":\n  models:\n    "m": {}\n    "n": {}\n'


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1))
def test_a_name_is_only_a_name(name):
    """
    Whatever stands in a model's name, it is not read as anything else.
    """
    known = ModelFacts(provider="acme", model=name)

    assert list(read_catalog(write_catalog([known]))) == [known]
