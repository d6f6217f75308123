"""
The hot path of a conversation.
"""

from __future__ import annotations

from itertools import combinations

import pytest

from gateway.dialects.openai_responses.plain_items import plain_message

MESSAGE = {
    "type": "message",
    "role": "assistant",
    "id": "msg_1",
    "status": "completed",
    "phase": "commentary",
    "content": [
        {"type": "output_text", "text": "words", "annotations": [], "logprobs": []}
    ],
}


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": "words"},
        {"type": "message", "role": "user", "content": "words"},
        {"role": "user", "content": [{"type": "input_text", "text": "words"}]},
        MESSAGE,
    ],
    ids=["easy", "typed", "part", "answered"],
)
def test_plain_message_has_one_text(kit, message):
    """
    The words of a plain message come out once, with who said them.
    """
    text = plain_message(kit.request(), message, 0)

    assert (text.value, text.kind, text.role) == ("words", "message", message["role"])


@pytest.mark.parametrize(
    ("change", "hidden"),
    [
        ({"id": "not an id"}, "not an id"),
        ({"id": ["x y"]}, "x y"),
        ({"id": "x" * 600}, "x" * 600),
        ({"status": "not a status"}, "not a status"),
        ({"phase": "not a phase"}, "not a phase"),
        ({"role": "not a role"}, "not a role"),
        ({"role": ["x y"]}, "x y"),
        ({"type": "not a type"}, "not a type"),
        ({"more": "than this"}, "than this"),
        ({"content": {"x": "y z"}}, "y z"),
        ({"content": ["x y"]}, "x y"),
        ({"content": [{"type": "x y", "text": "words"}]}, "x y"),
        ({"content": [{"type": "input_text", "text": "words", "more": "x y"}]}, "x y"),
        (
            {
                "content": [
                    {"type": "input_text", "text": "words", "annotations": ["x y"]}
                ]
            },
            "x y",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_message_that_is_not_plain_hides_nothing(kit, change, hidden):
    """
    With one member that is not as expected the message is left to the rules.
    """
    request = kit.request(input=[{**MESSAGE, **change}])

    assert hidden in [text.value for text in request.texts()]


def subsets(members):
    """
    Yield *members* with each choice of its members, and the same with one that nobody knows.
    """
    for count in range(len(members) + 1):
        for names in combinations(members, count):
            chosen = {name: members[name] for name in names}
            yield chosen
            yield {**chosen, "more": "than this"}


def test_nothing_hides_behind_what_is_missing(kit):
    """
    Whichever members are there, one that is not looked at comes out.
    """
    marks = {key: MESSAGE[key] for key in ("type", "id", "status", "phase")}
    part = {"type": "output_text", "text": "words"}
    messages = [
        {"role": "assistant", "content": content, **beside}
        for beside in subsets(marks)
        for content in ["words", [part], [{**part, "more": "than this"}]]
    ]
    messages += [
        {**MESSAGE, "content": [{**part, **beside}]}
        for beside in subsets({"annotations": [], "logprobs": []})
    ]

    for message in messages:
        found = [text.value for text in kit.request(input=[message]).texts()]

        assert "words" in found
        assert ("than this" in found) is ("than this" in str(message))
