from __future__ import annotations

import pytest

from gateway import Usage
from gateway.usage import MOST_COUNTED, credible


def test_totals_are_the_sums_of_the_buckets():
    """
    Every token stands in one bucket, so the totals are sums.
    """
    usage = Usage(
        input=1,
        cache_read=2,
        cache_write_5m=4,
        cache_write_1h=8,
        input_audio=16,
        output=32,
        reasoning=64,
        output_audio=128,
    )

    assert usage.total_input == 31
    assert usage.total_output == 224


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input=MOST_COUNTED, output=1),
        Usage(output=10**30),
        Usage(images=MOST_COUNTED + 1),
        Usage(server_tool_calls=(("web_search", 2**63),)),
    ],
    ids=["sum", "output", "images", "calls"],
)
def test_what_nobody_can_have_used_is_not_believed(usage):
    """
    Whatever bucket it stands in, as if the provider had said nothing.
    """
    assert credible(usage) is None


def test_what_can_be_is_believed():
    """
    Up to the limit, and nothing at all.
    """
    usage = Usage(input=MOST_COUNTED - 7, server_tool_calls=(("web_search", 7),))

    assert credible(usage) is usage
    assert credible(None) is None
