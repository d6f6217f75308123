"""
Scripts by precedence, records by their sums.
"""

from __future__ import annotations

import pytest

from gateway.testing.fake.bill import Charge
from gateway.testing.fake.errors import VendorError
from gateway.testing.fake.script import Script
from gateway.testing.fake.state import Records, Scripts


@pytest.fixture
def scripts():
    scripts = Scripts(Script(text="default"))
    scripts.by_model["gpt-x"] = Script(text="model")
    return scripts


def charge(**fields):
    return Charge(model="m", operation="chat", request_id="r", status=200, **fields)


def test_header_before_queue_before_model_before_default(scripts):
    """
    The nearer to the request, the stronger.
    """
    scripts.queue.append(Script(text="queue"))

    said = [
        scripts.choose('{"text": "header"}', "gpt-x").text,
        scripts.choose(None, "gpt-x").text,
        scripts.choose(None, "gpt-x").text,
        scripts.choose(None, "other").text,
    ]

    assert said == ["header", "queue", "model", "default"]


def test_a_star_stands_for_all_other_models(scripts):
    """
    A script for any model is weaker than one by name.
    """
    scripts.by_model["*"] = Script(text="any")

    assert scripts.choose(None, "gpt-x").text == "model"
    assert scripts.choose(None, None).text == "any"


def test_a_header_that_holds_no_script_is_refused(scripts):
    """
    The header is named, and the fault.
    """
    with pytest.raises(VendorError, match=r"x-fake-script: .*txet"):
        scripts.choose('{"txet": "hi"}', "gpt-x")


def test_sums_outlive_what_is_forgotten():
    """
    The bill forgets its oldest entries, never what they cost.
    """
    records = Records(remember=2)
    for _ in range(5):
        records.charge(charge(input_tokens=3, cached_tokens=1, output_tokens=2))

    bill = records.bill
    assert len(bill) == 2
    assert (bill.charges_made, bill.input_tokens, bill.cached_tokens) == (5, 15, 5)
    assert bill.output_tokens == 10


def test_a_charge_is_replaced_and_not_doubled():
    """
    An answer whose last bytes did not go out has one charge all the same.
    """
    records = Records(remember=5)
    first, second = charge(output_tokens=9, finished=True), charge(output_tokens=4)
    records.charge(first)
    records.charge(charge())

    records.charge(second, instead_of=first)

    assert records.bill[0] is second
    assert (records.bill.charges_made, records.bill.output_tokens) == (2, 4)


def test_counts_requests_in_and_out():
    """
    A request is in flight from its number on until its end.
    """
    records = Records(remember=5)

    assert (records.begin(), records.begin(), records.in_flight) == (1, 2, 2)
    records.end()
    assert records.describe()["in_flight"] == 1
