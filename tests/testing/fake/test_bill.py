"""
The bill and the records.
"""

from __future__ import annotations

import collections

import pytest

from gateway.testing.fake.bill import Bill, Charge, Record, SeenRequest, Sums


def charge(model="m", **fields):
    return Charge(model=model, operation="chat", request_id="r", status=200, **fields)


def test_a_record_reads_like_a_list():
    """
    Length, index, slice, iteration and membership work.
    """
    record = Record(collections.deque([1, 2, 3]))

    assert (len(record), record[-1], record[1:], list(record), 2 in record) == (
        3,
        3,
        (2, 3),
        [1, 2, 3],
        True,
    )


@pytest.mark.parametrize("verb", ["append", "clear", "pop", "__setitem__"], ids=str)
def test_a_record_cannot_be_written(verb):
    """
    Who reads the bill has no way to change it.
    """
    assert not hasattr(Record(collections.deque()), verb)


def test_a_record_shows_what_it_holds():
    """
    A failing assertion prints the entries.
    """
    assert repr(Record(collections.deque([1]))) == "Record([1])"


def test_sums_take_back():
    """
    A charge that is replaced leaves no trace in the sums.
    """
    sums = Sums()
    sums.add(charge(input_tokens=5, output_tokens=7))
    sums.add(charge(input_tokens=5, output_tokens=7), -1)

    assert sums == Sums()


def test_by_model():
    """
    Input and output are summed for each model.
    """
    charges = [
        charge("a", input_tokens=1, output_tokens=2),
        charge("b", input_tokens=10, output_tokens=20),
        charge("a", input_tokens=100, output_tokens=200),
    ]

    assert Bill(collections.deque(charges), Sums()).by_model() == {
        "a": (101, 202),
        "b": (10, 20),
    }


def test_a_seen_request_keeps_its_prompt_to_itself():
    """
    The text of a request is there to read, but not in its repr.
    """
    seen = SeenRequest(
        id="r", method="POST", path="/", headers=None, body=b'{"a": "secret"}', at=0.0
    )

    assert seen.json == {"a": "secret"}
    assert "secret" not in repr(seen)
