from __future__ import annotations

from gateway import Usage


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
