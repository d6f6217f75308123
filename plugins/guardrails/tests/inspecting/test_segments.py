"""
Requests as segments, and what their borders may hide.
"""

from __future__ import annotations

import pytest

from gateway.detecting import Find
from gateway.testing import make_request
from gateway_guardrails.inspecting.segments import borders_of, segments_of


def parts(kind):
    return [{"type": kind, "text": text} for text in ("ab", "cd", "ef")]


BODIES = {
    "openai_chat": {
        "model": "m",
        "messages": [
            {"role": "system", "content": "sys"},
            {"role": "user", "content": parts("text")},
            {"role": "assistant", "content": "ok"},
            {"role": "user", "content": "gh"},
        ],
    },
    "openai_responses": {
        "model": "m",
        "instructions": "sys",
        "input": [
            {"role": "user", "content": parts("input_text")},
            {"role": "assistant", "content": "ok"},
            {"role": "user", "content": "gh"},
        ],
    },
    "anthropic_messages": {
        "model": "m",
        "max_tokens": 9,
        "system": "sys",
        "messages": [
            {"role": "user", "content": parts("text")},
            {"role": "assistant", "content": "ok"},
            {"role": "user", "content": "gh"},
        ],
    },
}


@pytest.mark.parametrize("dialect", BODIES)
def test_borders(dialect):
    """
    The parts of a message are read as one; messages meet those of the same role before them.
    """
    segments = segments_of(make_request(BODIES[dialect], dialect=dialect).texts())

    borders = borders_of(segments, segments)

    assert [one.value for one in segments] == ["sys", "ab", "cd", "ef", "ok", "gh"]
    assert [(one.value, one.is_inside) for one in borders] == [
        ("abcdef", True),
        ("efgh", False),
    ]


def test_what_crosses_a_border_is_shared_out():
    """
    Each segment gets its share of a find, at the place in its own text.
    """
    request = make_request(BODIES["openai_chat"])
    segments = segments_of(request.texts())
    inside, _ = borders_of(segments, segments)

    shares = list(inside.crossing(Find(1, 5, "X")))

    assert [(one.value, find.start, find.end) for one, find in shares] == [
        ("ab", 1, 2),
        ("cd", 0, 2),
        ("ef", 0, 1),
    ]
    assert list(inside.crossing(Find(2, 4, "X"))) == []


def test_long_parts_are_read_around_their_border():
    """
    Of long parts only what stands near the border is read again, and places are right.
    """
    texts = ["a" * 9_000 + "key=", "value" + "b" * 9_000]
    content = [{"type": "text", "text": text} for text in texts]
    request = make_request(
        {"model": "m", "messages": [{"role": "user", "content": content}]}
    )
    (border,) = borders_of(segments_of(request.texts()), ())
    at = border.value.index("key=value")

    shares = list(border.crossing(Find(at, at + 9, "KEY")))

    assert len(border.value) < 2_000
    assert [one.value[find.start : find.end] for one, find in shares] == [
        "key=",
        "value",
    ]


def test_inputs_to_embed_are_apart():
    """
    Texts that are embedded one by one are no parts of a message.
    """
    request = make_request(
        {"model": "m", "input": ["ab", "cd"]}, dialect="openai_embeddings"
    )

    segments = segments_of(request.texts())

    assert not any(one.is_inside for one in borders_of(segments, segments))


def test_messages_that_were_seen_are_not_read_together_again():
    """
    Of two messages that nobody finds new the border is not looked at.
    """
    segments = segments_of(make_request(BODIES["openai_chat"]).texts())

    borders = borders_of(segments, segments[:1])

    assert [one.value for one in borders] == ["abcdef"]
