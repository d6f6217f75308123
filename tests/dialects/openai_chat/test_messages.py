from __future__ import annotations

import pytest

from gateway.dialects.openai_chat.messages import message, place_of
from gateway.dialects.shapes import Walk


def texts(kit, doc, form="whole"):
    walk = Walk(kit.response({}), "assistant")
    walk.lane = (0,)
    walk.form = form
    message(walk, {"m": doc}, "m", doc)
    return walk.out


@pytest.mark.parametrize(
    ("member", "position", "place"),
    [({"index": 4}, 1, 4), ({"index": "4"}, 1, 1), ({}, 2, 2), ("x", 3, 3)],
    ids=["index", "string", "none", "no object"],
)
def test_place(member, position, place):
    """
    A member's place is its index, else its position.
    """
    assert place_of(member, position) == place


@pytest.mark.parametrize(
    "doc",
    [
        {"content": "Hi", "refusal": "No"},
        {"reasoning_content": "a", "reasoning": "b", "reasoning_text": "c"},
        {"thinking_blocks": [{"thinking": "a"}, {"thinking": "b"}]},
        {"reasoning_details": [{"text": "a"}, {"summary": "b"}]},
        {"tool_calls": [{"function": {"name": "f", "arguments": "x"}}] * 2},
        {"tool_calls": [{"custom": {"name": "f", "input": "x"}}]},
        {
            "function_call": {"name": "f", "arguments": "x"},
            "audio": {"transcript": "y"},
        },
    ],
    ids=["said", "words", "blocks", "details", "calls", "custom", "function"],
)
@pytest.mark.parametrize("form", ["whole", "delta"])
def test_no_two_texts_share_a_lane(kit, doc, form):
    """
    Running texts of one message never mix.
    """
    lanes = [text.lane for text in texts(kit, doc, form)]

    assert len(lanes) == len(set(lanes)) > 1


@pytest.mark.parametrize(
    "doc",
    [
        {"content": "Hi"},
        {"reasoning_content": "Hm"},
        {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "x"}}]},
        {"refusal": "No"},
        {"audio": {"transcript": "Hi"}},
    ],
    ids=["content", "reasoning", "call", "refusal", "audio"],
)
def test_lanes_of_pieces_and_of_the_whole_agree(kit, doc):
    """
    A delta's lane is the lane of the whole text, so that places in it can be found.
    """
    whole, pieces = (
        [text.lane for text in texts(kit, doc, form)] for form in ("whole", "delta")
    )

    assert whole == pieces


@pytest.mark.parametrize(
    ("piece", "sealed"),
    [
        ({"thinking_blocks": [{"thinking": "a"}]}, True),
        ({"reasoning_details": [{"text": "a"}]}, False),
        (
            {"reasoning_details": [{"text": "a", "format": "anthropic-claude-v1"}]},
            True,
        ),
        ({"reasoning_content": "a"}, False),
    ],
    ids=["blocks", "details", "signed details", "words"],
)
def test_pieces_that_get_signed(kit, piece, sealed):
    """
    Reasoning whose signature comes behind it cannot be edited before it comes.
    """
    (text,) = [text for text in texts(kit, piece, "delta") if text.value == "a"]

    assert text.sealed is sealed
