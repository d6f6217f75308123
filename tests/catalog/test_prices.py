from __future__ import annotations

from datetime import date

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.catalog import Price, Rates, Tariff, Tier
from gateway.usage import Usage

DAY = date(2026, 1, 31)
PRICE = Price(
    input_pico=3_000_000,
    output_pico=15_000_000,
    cache_read_pico=300_000,
    cache_write_5m_pico=3_750_000,
    cache_write_1h_pico=6_000_000,
    input_audio_pico=40_000_000,
    input_image_pico=5_000_000,
    reasoning_pico=20_000_000,
    output_audio_pico=80_000_000,
    output_image_pico=30_000_000,
    image_pico=1_000_000_000,
    request_pico=0,
    server_tools=(("web_search", 10_000_000_000),),
)
PLAIN = Price(input_pico=3_000_000, output_pico=15_000_000)


def tariff(price: Price, *long: tuple[int, Price], **more) -> Tariff:
    tiers = tuple(Tier(above_tokens=above, price=one) for above, one in long)
    return Tariff(valid_from=DAY, rates=Rates(price=price, long=tiers), **more)


def plain(input_pico: int, output_pico: int) -> Price:
    return Price(input_pico=input_pico, output_pico=output_pico)


class TestPrice:
    @pytest.mark.parametrize(
        ("usage", "nano"),
        [
            pytest.param(Usage(input=1_000), 3_000_000, id="input"),
            pytest.param(Usage(output=1_000), 15_000_000, id="output"),
            pytest.param(Usage(reasoning=1_000), 20_000_000, id="reasoning"),
            pytest.param(Usage(cache_read=1_000), 300_000, id="cache-read"),
            pytest.param(Usage(cache_write_5m=1_000), 3_750_000, id="cache-write-5m"),
            pytest.param(Usage(cache_write_1h=1_000), 6_000_000, id="cache-write-1h"),
            pytest.param(Usage(input_audio=10), 400_000, id="audio-in"),
            pytest.param(Usage(input_image=10), 50_000, id="image-in"),
            pytest.param(Usage(output_audio=10), 800_000, id="audio-out"),
            pytest.param(Usage(output_image=10), 300_000, id="image-out"),
            pytest.param(Usage(images=3), 3_000_000, id="pieces"),
            pytest.param(
                Usage(server_tool_calls=(("web_search", 2),)), 20_000_000, id="tools"
            ),
            pytest.param(Usage(), 0, id="nothing"),
        ],
    )
    def test_each_bucket_has_its_own_price(self, usage, nano):
        """
        A token costs what its bucket costs, in nano-USD.
        """
        assert tariff(PRICE).cost_nano(usage) == nano

    def test_rounds_up_once(self):
        """
        Fractions of a nano-USD are summed before they are rounded, and never down.
        """
        cost = tariff(plain(50_001, 400_001)).cost_nano(Usage(input=1, output=1))

        assert cost == 451  # 450.002, not 51 + 401

    def test_a_request_may_have_a_price_of_its_own(self):
        """
        What a vendor takes for each request is in the cost of an empty one too.
        """
        price = attrs.evolve(PLAIN, request_pico=5_000_000_000)

        assert tariff(price).cost_nano(Usage()) == 5_000_000

    @pytest.mark.parametrize(
        "bucket", ["cache_read", "cache_write_5m", "cache_write_1h", "input_image"]
    )
    def test_a_bucket_without_discount_costs_as_input(self, bucket):
        """
        Vendors without a price for caches or pictures bill them as input.
        """
        assert tariff(PLAIN).cost_nano(Usage(**{bucket: 1_000})) == 3_000_000

    def test_writing_for_long_costs_no_less_than_for_short(self):
        """
        Where one price of writing is known, it is the price of both.
        """
        price = attrs.evolve(PLAIN, cache_write_5m_pico=4_000_000)

        assert tariff(price).cost_nano(Usage(cache_write_1h=1_000)) == 4_000_000

    @pytest.mark.parametrize(
        "usage",
        [
            pytest.param(Usage(input=5, input_audio=1), id="audio-in"),
            pytest.param(Usage(input=5, output_audio=1), id="audio-out"),
            pytest.param(Usage(input=5, output_image=1), id="image-out"),
            pytest.param(Usage(server_tool_calls=(("shell", 1),)), id="tool"),
            pytest.param(Usage(input=5, service_tier="priority"), id="service-tier"),
        ],
    )
    def test_what_has_no_price_has_no_cost(self, usage):
        """
        A cost that is known in part only is not told as if it were whole.
        """
        assert tariff(PLAIN).cost_nano(usage) is None

    def test_an_unused_tool_needs_no_price(self):
        """
        A tool that was offered and not called costs nothing, whatever it is.
        """
        assert tariff(PLAIN).cost_nano(Usage(server_tool_calls=(("shell", 0),))) == 0

    def test_tells_its_dearest_buckets(self):
        """
        A hold assumes the most that a token may cost.
        """
        assert PRICE.dearest_input_pico == 40_000_000
        assert PRICE.dearest_output_pico == 80_000_000
        assert PLAIN.dearest_input_pico == 3_000_000
        assert PLAIN.dearest_output_pico == 15_000_000


class TestLongPrompts:
    tariff = tariff(
        plain(1_000, 10_000),
        (128_000, plain(2_000, 20_000)),
        (200_000, plain(3_000, 30_000)),
        (272_000, plain(4_000, 40_000)),
    )

    @pytest.mark.parametrize(
        ("tokens", "factor"),
        [
            (128_000, 1),
            (128_001, 2),
            (200_000, 2),
            (200_001, 3),
            (272_000, 3),
            (272_001, 4),
            (1_000_000, 4),
        ],
    )
    def test_a_long_prompt_is_dearer_as_a_whole(self, tokens, factor):
        """
        Above a threshold, not at it, the whole request has the other price, output too.
        """
        usage = Usage(input=tokens - 1, cache_read=1, output=10)

        assert self.tariff.cost_nano(usage) == factor * (tokens + 100)

    def test_thresholds_rise(self):
        """
        Prices in another order would be applied in that order.
        """
        with pytest.raises(ValueError, match="order of their length"):
            tariff(PLAIN, (200, PLAIN), (100, PLAIN))


class TestServiceTiers:
    tariff = tariff(
        plain(1_000, 2_000),
        services=(
            ("priority", Rates(price=plain(2_000, 4_000))),
            ("batch", Rates(price=plain(500, 1_000))),
            ("fast", Rates(price=plain(6_000, 12_000))),
        ),
        regions=(("us", 1_100),),
    )

    @pytest.mark.parametrize(
        ("said", "asked", "nano"),
        [
            pytest.param(None, None, 1_000, id="nobody-says"),
            pytest.param("priority", None, 2_000, id="the-provider-says"),
            pytest.param(None, "priority", 2_000, id="asked-and-not-contradicted"),
            pytest.param("default", "priority", 1_000, id="asked-and-not-given"),
            pytest.param("batch", None, 500, id="batch"),
            pytest.param("flex", "flex", 1_000, id="a-discount-that-is-not-known"),
            pytest.param(None, "scale", None, id="asked-without-a-price"),
            pytest.param("scale", None, None, id="served-without-a-price"),
        ],
    )
    def test_the_tier_that_served_has_its_price(self, said, asked, nano):
        """
        What the provider says outweighs what was asked; a tier without a price has no cost.
        """
        usage = Usage(input=1_000, service_tier=said)

        assert self.tariff.cost_nano(usage, asked) == nano

    @pytest.mark.parametrize(
        ("region", "nano"),
        [("us", 1_001), ("global", 910), (None, 910), ("not_available", 910)],
    )
    def test_a_region_may_cost_more(self, region, nano):
        """
        Its factor holds for the tokens, and is rounded up with the rest.
        """
        usage = Usage(input=910, region=region)

        assert self.tariff.cost_nano(usage) == nano

    def test_a_region_without_a_factor_has_no_cost(self):
        """
        Where one region has a factor, another's is not taken to be none.
        """
        assert self.tariff.cost_nano(Usage(input=1, region="moon")) is None

    def test_pieces_cost_the_same_in_every_region(self):
        """
        Vendors raise the prices of tokens only.
        """
        price = attrs.evolve(PLAIN, server_tools=(("search", 1_000_000),))
        searched = Usage(server_tool_calls=(("search", 1),), region="us")

        assert tariff(price, regions=(("us", 1_100),)).cost_nano(searched) == 1_000

    @pytest.mark.parametrize(
        ("asked", "input_pico"),
        [
            pytest.param(None, 2_200, id="the-provider-may-choose"),
            pytest.param("default", 1_100, id="default"),
            pytest.param("priority", 2_200, id="priority"),
            pytest.param("batch", 1_100, id="a-discount-may-not-be-given"),
            pytest.param("fast", 6_600, id="fast"),
        ],
    )
    def test_the_dearest_tier_is_one_that_may_serve(self, asked, input_pico):
        """
        Nobody is served fast or as a batch unasked; anything else the account may say.
        """
        assert self.tariff.dearest(10, asked).input_pico == input_pico

    def test_a_region_that_was_asked_for_is_no_other(self):
        """
        Who says where it is computed does not pay for somewhere else.
        """
        assert self.tariff.dearest(10, "default", "global").input_pico == 1_000
        assert self.tariff.dearest(10, "default", "us").input_pico == 1_100

    @pytest.mark.parametrize(("asked", "region"), [("scale", None), (None, "moon")])
    def test_what_has_no_price_has_no_bound(self, asked, region):
        """
        A wish that may cost anything cannot be held.
        """
        assert self.tariff.dearest(10, asked, region) is None
        assert len(self.tariff._dearest) == 0 or asked not in self.tariff._dearest

    def test_a_flat_tariff_knows_every_tier(self):
        """
        A ceiling that an operator names holds whatever a tier is called.
        """
        flat = tariff(PLAIN, is_flat=True)

        assert flat.cost_nano(Usage(input=1, service_tier="scale")) == 3_000
        assert flat.dearest(1, "scale") is not None


# --- the hold is never below the bill --------------------------------------------------------

# Few amounts, so that the bucket that is used is often the only one so dear.
PICO = st.sampled_from([0, 1_000_000, 1_000_000, 1_000_000, 2_000_000])
MAYBE = st.none() | PICO
SERVICES = ("priority", "flex", "batch", "fast", "scale")
TOOLS = ("search", "shell")
prices = st.builds(
    Price,
    input_pico=PICO,
    output_pico=PICO,
    cache_read_pico=MAYBE,
    cache_write_5m_pico=MAYBE,
    cache_write_1h_pico=MAYBE,
    input_audio_pico=PICO,
    input_image_pico=MAYBE,
    reasoning_pico=MAYBE,
    output_audio_pico=PICO,
    output_image_pico=PICO,
    image_pico=PICO,
    request_pico=PICO,
    server_tools=st.dictionaries(st.sampled_from(TOOLS), PICO).map(
        lambda tools: tuple(tools.items())
    ),
    other_tools_pico=PICO,
)
rates = st.builds(
    lambda price, long: Rates(
        price=price,
        long=tuple(Tier(above_tokens=at, price=long[at]) for at in sorted(long)),
    ),
    prices,
    st.dictionaries(st.integers(0, 60), prices, max_size=3),
)
tariffs = st.builds(
    Tariff,
    valid_from=st.just(DAY),
    rates=rates,
    services=st.dictionaries(st.sampled_from(SERVICES), rates, max_size=3).map(
        lambda services: tuple(services.items())
    ),
    regions=st.dictionaries(
        st.sampled_from(["us", "eu"]), st.sampled_from([500, 1_100, 3_001]), max_size=2
    ).map(lambda regions: tuple(regions.items())),
    is_flat=st.booleans(),
)
COUNT = st.integers(0, 20)
# Mostly nothing: a bill of one bucket comes closest to its bound.
FEW = st.sampled_from([0, 0, 0, 0, 1, 7, 20])
usages = st.builds(
    Usage,
    input=FEW,
    cache_read=FEW,
    cache_write_5m=FEW,
    cache_write_1h=FEW,
    input_audio=FEW,
    input_image=FEW,
    output=FEW,
    reasoning=FEW,
    output_audio=FEW,
    output_image=FEW,
    images=FEW,
    server_tool_calls=st.dictionaries(st.sampled_from([*TOOLS, "other"]), FEW).map(
        lambda calls: tuple(calls.items())
    ),
)


@st.composite
def bills(draw):
    """
    A tariff, what was asked of it, and a usage in which that may end; all of it priced.
    """
    tariff_ = draw(tariffs)
    known = [name for name, _ in tariff_.services]
    asked = draw(st.sampled_from([None, "default", "flex", "batch", *known]))
    if asked is None:
        chosen = [name for name in known if name not in ("batch", "fast")]
        served = draw(st.sampled_from([None, "default", "flex", *chosen]))
    else:
        served = draw(st.sampled_from([None, "default", asked]))
    places = [None, "global", *(name for name, _ in tariff_.regions)]
    region = draw(st.sampled_from(places))
    place = region or draw(st.sampled_from(places))
    usage = attrs.evolve(draw(usages), service_tier=served, region=place)
    return tariff_, asked, region, usage


@settings(max_examples=1_000)
@given(bills(), COUNT, COUNT, COUNT)
def test_a_bound_is_never_below_a_bill_within_it(bill, more_in, more_out, more_pieces):
    """
    For every bucket, length, service tier and region: worst case >= cost.
    """
    tariff_, asked, region, usage = bill
    cost = tariff_.cost_nano(usage, asked)
    bound = tariff_.dearest(usage.total_input + more_in, asked, region)

    worst = bound.nano(
        input_tokens=usage.total_input + more_in,
        output_tokens=usage.total_output + more_out,
        images=usage.images + more_pieces,
        tools={name: n + more_pieces for name, n in usage.server_tool_calls},
    )
    assert worst >= cost


@pytest.mark.parametrize("asked", [None, "default", "flex", "batch"])
def test_whatever_has_a_bound_has_a_cost_for_its_text(asked):
    """
    A request for text alone, whose worst case could be held, can be settled.
    """
    tariff_ = tariff(PLAIN)
    usage = Usage(input=5, output=5, cache_read=1, reasoning=2, service_tier=asked)

    assert tariff_.dearest(6, asked) is not None
    assert tariff_.cost_nano(usage, asked) is not None
