"""
Ids in the spelling that the vendor checks.
"""

from __future__ import annotations

import pytest

from gateway.dialects.openai_responses.wire import (
    ItemIds,
    call_id,
    copied,
    numbered,
    response_id,
)


@pytest.mark.parametrize(
    ("raw", "written"),
    [
        ("resp_1", "resp_1"),
        ("msg_1", "resp_gw_msg_1"),
        ("chatcmpl-1", "resp_gw_chatcmpl-1"),
    ],
)
def test_response_ids_tell_where_they_come_from(raw, written):
    """
    The vendor's ids stay, others are marked as what no vendor has stored.
    """
    assert response_id(raw) == written


@pytest.mark.parametrize("raw", ["", "a b", "x" * 200])
def test_response_ids_are_made_where_there_is_none(raw):
    """
    An id that is none is replaced by one that nobody else has.
    """
    one, other = response_id(raw), response_id(raw)

    assert one.startswith("resp_gw_")
    assert one != other
    assert len(one) <= 64


def test_item_ids_are_alone_in_the_world():
    """
    Items of two responses never share an id, and the vendor takes no id over 64 letters.
    """
    ids = [
        ItemIds().of(kind, 9) for kind in ("message", "reasoning", "function_call")
    ] * 2
    ids = [ItemIds().of("message", index) for index in (0, 1)] + ids

    assert ids[0].startswith("msg_")
    assert all(len(one) <= 64 for one in ids)
    assert ItemIds().of("message", 0) != ItemIds().of("message", 0)


@pytest.mark.parametrize("raw", ["", "x" * 65, "\ud800" * 65])
def test_call_ids_fit(raw):
    """
    An id of a call is shortened to the same one each time.
    """
    assert 1 <= len(call_id(raw)) <= 64
    assert call_id(raw) == call_id(raw)


def test_copies_share_nothing():
    """
    A copy can be edited alone.
    """
    node = {"a": [{}]}

    copied(node)["a"][0]["x"] = 1

    assert node == {"a": [{}]}


def test_numbers_go_on(kit):
    """
    Chunks have their type, their number and their event's name.
    """
    chunks = numbered(kit.dialect, [("a", {}), ("b", {"c": 1})], 7)

    assert [chunk.encode() for chunk in chunks] == [
        b'event: a\ndata: {"type":"a","sequence_number":7}\n\n',
        b'event: b\ndata: {"type":"b","sequence_number":8,"c":1}\n\n',
    ]
