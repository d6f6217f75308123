from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog import Dearest, Price
from gateway.catalog.dearest import dearest_of

COUNT = st.integers(0, 10**6)


def price(**picos) -> Price:
    return Price(**{"input_pico": 1, "output_pico": 1, **picos})


class TestDearestOf:
    def test_takes_each_part_by_itself(self):
        """
        The dearest prompt and the dearest answer may stand in two prices.
        """
        bound = dearest_of(
            [price(input_pico=9, request_pico=3), price(output_pico=8, image_pico=7)],
            1_000,
        )

        assert (bound.input_pico, bound.output_pico) == (9, 8)
        assert (bound.request_pico, bound.image_pico) == (3, 7)

    def test_a_factor_raises_tokens_and_rounds_up(self):
        """
        A region's factor never makes a token cheaper than it is billed.
        """
        bound = dearest_of([price(input_pico=11, request_pico=11)], 1_100)

        assert bound.input_pico == 13  # 12.1
        assert bound.request_pico == 11

    def test_a_tool_needs_a_price_everywhere(self):
        """
        Where one tier has no price for a tool, nothing bounds its calls.
        """
        searches = price(server_tools=(("search", 5),))

        assert dearest_of([searches, searches], 1_000).tools == {"search": 5}
        assert dearest_of([searches, price()], 1_000).tools == {"search": None}
        assert dearest_of([searches, price(other_tools_pico=9)], 1_000).tools == {
            "search": 9
        }


class TestNano:
    bound = Dearest(
        input_pico=1_000,
        output_pico=3_000,
        image_pico=10_000,
        request_pico=500,
        tools={"search": 7_000},
    )

    def test_sums_all_parts_and_rounds_up(self):
        """
        Everything that may be billed is in the bound.
        """
        nano = self.bound.nano(
            input_tokens=2, output_tokens=3, images=4, tools={"search": 5}
        )

        assert nano == 2 + 9 + 40 + 35 + 1

    def test_a_tool_without_a_price_has_no_bound(self):
        """
        Unless it cannot be called at all.
        """
        assert self.bound.nano(input_tokens=1, output_tokens=1, tools={"x": 1}) is None
        assert self.bound.nano(input_tokens=1, output_tokens=0, tools={"x": 0}) == 2


class TestOutputTokens:
    @given(COUNT, COUNT, COUNT, st.integers(1, 10**4))
    def test_is_the_longest_answer_that_the_money_pays_for(
        self, nano, input_tokens, images, output_pico
    ):
        """
        So long an answer fits, one token more does not; 0 where the rest alone does not.
        """
        bound = Dearest(
            input_pico=1_700, output_pico=output_pico, image_pico=5, request_pico=3
        )

        tokens = bound.output_tokens(nano, input_tokens=input_tokens, images=images)

        def cost(tokens):
            return bound.nano(
                input_tokens=input_tokens, output_tokens=tokens, images=images
            )

        assert cost(tokens + 1) > nano
        assert cost(tokens) <= nano or tokens == 0

    def test_a_free_answer_may_have_any_length(self):
        """
        Embeddings have none: only the prompt is paid for.
        """
        bound = Dearest(input_pico=1_000, output_pico=0)

        assert bound.output_tokens(5, input_tokens=5) is None
        assert bound.output_tokens(4, input_tokens=5) == 0

    def test_an_unbounded_tool_is_an_error(self):
        """
        Whoever asks must have found out before.
        """
        bound = Dearest(input_pico=1, output_pico=1)

        with pytest.raises(ValueError, match="no bound"):
            bound.output_tokens(5, input_tokens=1, tools={"search": 1})
