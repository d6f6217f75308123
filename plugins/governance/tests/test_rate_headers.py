"""
Rates in the words of OpenAI's headers.
"""

from __future__ import annotations

import pytest

from gateway_governance.entities import Owner, OwnerKind, Period, Unit
from gateway_governance.ledger.meters import MICROS, Meter, Standing
from gateway_governance.rate_headers import rates_of, wait_text


def standing(unit, *, name="k", limit=10, left=4, ends_s=160.0):
    owner = Owner(OwnerKind.VIRTUAL_KEY, name)
    meter = Meter(
        id=f"{owner}/{unit}", owner=owner, unit=unit, limit=limit, period=Period.MINUTE
    )
    return Standing(
        meter=meter, limit=limit, granted=limit, free=left, ends=int(ends_s * MICROS)
    )


def test_a_limit_what_is_left_and_when_it_is_whole_again():
    """
    Each kind of rate has its three headers.
    """
    headers = rates_of([standing(Unit.REQUESTS), standing(Unit.TOKENS, limit=9)], 100.0)

    assert headers == {
        "x-ratelimit-limit-requests": "10",
        "x-ratelimit-remaining-requests": "4",
        "x-ratelimit-reset-requests": "1m0s",
        "x-ratelimit-limit-tokens": "9",
        "x-ratelimit-remaining-tokens": "4",
        "x-ratelimit-reset-tokens": "1m0s",
    }


def test_the_tightest_of_a_kind_is_told():
    """
    Of a key's and its team's limit the one that runs out first, in any order; below 0 is 0.
    """
    loose = standing(Unit.REQUESTS, limit=100, left=50)
    tight = standing(Unit.REQUESTS, name="t", limit=20, left=-2)

    assert rates_of([loose, tight], 0.0) == rates_of([tight, loose], 0.0)
    assert rates_of([loose, tight], 0.0)["x-ratelimit-limit-requests"] == "20"
    assert rates_of([tight], 0.0)["x-ratelimit-remaining-requests"] == "0"


def test_money_and_requests_under_way_are_no_rates():
    """
    What OpenAI's headers have no name for is not told.
    """
    assert rates_of([standing(Unit.MONEY), standing(Unit.IN_FLIGHT)], 0.0) == {}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((-1.0, "0ms"), (0.0, "0ms"), (0.0201, "21ms"), (1.0, "1s"), (59.2, "1m0s")),
        *((360.0, "6m0s"), (3600.0, "1h0m0s"), (86_400.0, "24h0m0s")),
    ],
)
def test_times_are_written_as_openai_writes_them(seconds, text):
    """
    Rounded up, so that whoever waits has waited long enough.
    """
    assert wait_text(int(seconds * 1_000_000)) == text
