"""
Refusals in words.
"""

from __future__ import annotations

import attrs
import pytest

from gateway_governance.answers import name_limit, refusal_of, told, usd
from gateway_governance.entities import Owner, OwnerKind, Period, Unit
from gateway_governance.ledger.meters import MICROS, Meter, Short, Standing

TEAM = Owner(OwnerKind.TEAM, "payments")
RUN = Owner(OwnerKind.RUN, "vk_1:0a1b")


def standing(owner=TEAM, unit=Unit.MONEY, period=Period.MONTH, **more):
    meter = Meter(id="m", owner=owner, unit=unit, limit=2_000_000_000, period=period)
    fields = {"limit": meter.limit, "granted": meter.limit, "ends": 90_000 * MICROS}
    return Standing(meter=meter, **{**fields, **more})


def short(found, need=10, retry_after_s=7.0):
    return Short(found.meter, need=need, standing=found, retry_after_s=retry_after_s)


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        *((0, "0.00 USD"), (1, "0.000000001 USD"), (1_500_000_000, "1.50 USD")),
        *((12_345_678_900, "12.3456789 USD"), (-250_000_000, "-0.25 USD")),
    ],
)
def test_money_is_written_as_people_write_it(nano, text):
    """
    Two digits, and more where they say something.
    """
    assert usd(nano) == text


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (standing(), "2.00 USD per month of team/payments"),
        (standing(RUN, period=None), "2.00 USD of this run"),
        (standing(RUN, period=None, limit=5), "0.000000005 USD of this run"),
        (
            standing(unit=Unit.REQUESTS, period=Period.MINUTE, limit=600),
            "600 requests per minute of team/payments",
        ),
        (
            standing(unit=Unit.IN_FLIGHT, period=None, limit=5),
            "5 requests at once of team/payments",
        ),
    ],
    ids=["budget", "run", "lowered run", "rate", "in flight"],
)
def test_limits_have_names(found, text):
    """
    Amount, period, owner; a run's id is nobody's business, and its limit may have been lowered.
    """
    assert name_limit(found) == text


def test_spent_money_says_when_it_comes_back():
    """
    A budget of a period names the moment at which the next one begins.
    """
    spent = refusal_of(short(standing(spent=2_000_000_000)), 0.0)
    rest = refusal_of(short(standing(spent=1_999_999_995)), 0.0)

    assert (spent.status, spent.code) == (402, "budget_exceeded")
    assert str(spent).startswith("The budget is spent: 2.00 USD per month")
    assert str(spent).endswith("It resets at 1970-01-02T01:00:00.000Z.")
    assert str(rest).startswith("What is left of the budget does not pay")
    assert spent.retry_after_s is None


def test_a_run_does_not_reset():
    """
    A run's money is spent for good.
    """
    run = standing(RUN, period=None, spent=2_000_000_000)

    assert (
        str(refusal_of(short(run), 0.0)) == "The budget is spent: 2.00 USD of this run."
    )


def test_money_that_others_hold_is_worth_waiting_for():
    """
    What comes back is 429, with a time, and nothing is said of rates.
    """
    busy = refusal_of(short(standing()), 0.0)

    assert (busy.status, busy.code, busy.retry_after_s) == (429, "budget_busy", 7.0)
    assert not busy.headers


def test_a_rate_says_what_is_left():
    """
    The limit that refuses stands in the headers.
    """
    rate = standing(unit=Unit.REQUESTS, period=Period.MINUTE, limit=600, spent=600)
    limited = refusal_of(short(attrs.evolve(rate, granted=600)), 89_990.0)

    assert (limited.status, limited.code) == (429, "request_limited")
    assert limited.headers["x-ratelimit-limit-requests"] == "600"
    assert limited.headers["x-ratelimit-reset-requests"] == "10s"


@pytest.mark.parametrize(
    ("unit", "limit", "need", "said"),
    [
        (Unit.TOKENS, 5, 300, "needs about 300 tokens, more than 5 tokens per minute"),
        (Unit.TOKENS, 0, 300, "0 tokens per minute of team/payments allow none"),
        (Unit.REQUESTS, 0, 1, "0 requests per minute of team/payments allow none"),
    ],
)
def test_what_never_passes_is_told_so(unit, limit, need, said):
    """
    A limit that is less than one request needs another request, or another limit, and no time.
    """
    found = standing(unit=unit, period=Period.MINUTE, limit=limit, ends=MICROS)

    error = refusal_of(short(found, need), 0.0)

    assert said in str(error)
    assert "retry in" not in str(error)
    assert (error.status, error.retry_after_s) == (429, 7.0)


def test_operators_are_told_amounts():
    """
    What is spent, held and free stands in the trail, and in no caller's message.
    """
    found = standing(spent=500_000_000, free=1_000_000_000)

    assert told(short(found)) == (
        "2.00 USD per month of team/payments: spent 0.50 USD, held 0.50 USD, free 1.00 USD, "
        "needs 0.00000001 USD at least"
    )
    assert "0.50" not in str(refusal_of(short(found), 0.0))
