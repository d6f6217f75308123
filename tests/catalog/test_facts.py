from __future__ import annotations

from datetime import date

import attrs
import pytest

from gateway.catalog import UNKNOWN, ModelFacts, Price, Tier
from gateway.usage import Usage

DAY = date(2026, 1, 31)
PRICE = Price(
    input_pico=3_000_000,
    output_pico=15_000_000,
    cache_read_pico=300_000,
    cache_write_5m_pico=3_750_000,
    cache_write_1h_pico=6_000_000,
    input_audio_pico=40_000_000,
    output_audio_pico=80_000_000,
    server_tools=(("web_search", 10_000_000_000),),
    valid_from=DAY,
)
PLAIN = Price(input_pico=3_000_000, output_pico=15_000_000, valid_from=DAY)


class TestPrice:
    @pytest.mark.parametrize(
        ("usage", "nano"),
        [
            pytest.param(Usage(input=1_000), 3_000_000, id="input"),
            pytest.param(Usage(output=1_000), 15_000_000, id="output"),
            pytest.param(Usage(reasoning=1_000), 15_000_000, id="reasoning"),
            pytest.param(Usage(cache_read=1_000), 300_000, id="cache-read"),
            pytest.param(Usage(cache_write_5m=1_000), 3_750_000, id="cache-write-5m"),
            pytest.param(Usage(cache_write_1h=1_000), 6_000_000, id="cache-write-1h"),
            pytest.param(Usage(input_audio=10), 400_000, id="audio-in"),
            pytest.param(Usage(output_audio=10), 800_000, id="audio-out"),
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
        assert PRICE.cost_nano(usage) == nano

    def test_rounds_up_once(self):
        """
        Fractions of a nano-USD are summed before they are rounded, and never down.
        """
        price = Price(input_pico=50_001, output_pico=400_001, valid_from=DAY)

        cost = price.cost_nano(Usage(input=1, output=1))

        assert cost == 451  # 450.002, not 51 + 401

    @pytest.mark.parametrize(
        "bucket", ["cache_read", "cache_write_5m", "cache_write_1h"]
    )
    def test_a_cache_without_discount_costs_as_input(self, bucket):
        """
        Vendors without a price for a cache bucket bill it as input.
        """
        assert PLAIN.cost_nano(Usage(**{bucket: 1_000})) == 3_000_000

    @pytest.mark.parametrize(
        "usage",
        [
            pytest.param(Usage(input=5, input_audio=1), id="audio-in"),
            pytest.param(Usage(input=5, output_audio=1), id="audio-out"),
            pytest.param(Usage(server_tool_calls=(("shell", 1),)), id="tool"),
        ],
    )
    def test_what_has_no_price_has_no_cost(self, usage):
        """
        A cost that is known in part only is not told as if it were whole.
        """
        assert PLAIN.cost_nano(usage) is None

    def test_an_unused_tool_needs_no_price(self):
        """
        A tool that was offered and not called costs nothing, whatever it is.
        """
        assert PLAIN.cost_nano(Usage(server_tool_calls=(("shell", 0),))) == 0

    def test_tells_its_dearest_buckets(self):
        """
        A hold assumes the most that a token may cost.
        """
        assert PRICE.dearest_input_pico == 40_000_000
        assert PRICE.dearest_output_pico == 80_000_000
        assert PLAIN.dearest_input_pico == 3_000_000
        assert PLAIN.dearest_output_pico == 15_000_000


class TestModelFacts:
    facts = ModelFacts(
        provider="anthropic",
        model="claude",
        price=PLAIN,
        tiers=(
            Tier(
                above_tokens=200_000,
                price=Price(
                    input_pico=6_000_000, output_pico=22_500_000, valid_from=DAY
                ),
            ),
        ),
    )

    def test_a_long_prompt_is_dearer_as_a_whole(self):
        """
        Above the threshold the whole request has the other price, output as well.
        """
        cost = self.facts.cost_nano(Usage(input=200_000, cache_read=1, output=10))

        assert cost == 200_001 * 6_000 + 10 * 22_500

    def test_the_threshold_itself_is_short(self):
        """
        The other price begins above the threshold, not at it.
        """
        assert self.facts.cost_nano(Usage(input=200_000)) == 200_000 * 3_000

    def test_without_a_price_there_is_no_cost(self):
        """
        An unknown price is None, never zero.
        """
        assert UNKNOWN.cost_nano(Usage(input=1)) is None

    def test_the_window_bounds_a_prompt(self):
        """
        No prompt that is billed is longer than the window, where the window is known.
        """
        facts = ModelFacts(provider="openai", model="m", context_window=128_000)

        assert facts.most_input_tokens == 128_000
        assert UNKNOWN.most_input_tokens is None

    @pytest.mark.parametrize(
        ("window", "most"), [(200_000, None), (199_999, None), (200_001, 200_001)]
    )
    def test_a_price_beyond_the_window_shows_that_there_is_more(self, window, most):
        """
        Where prompts as long as the window or longer have a price, it bounds nothing.
        """
        facts = attrs.evolve(self.facts, context_window=window)

        assert facts.most_input_tokens == most
