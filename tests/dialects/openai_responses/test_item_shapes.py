"""
Messages, calls, results and reasoning.
"""

from __future__ import annotations

import pytest

from gateway.dialects.openai_responses.item_shapes import ITEMS, kind_of


def test_every_type_has_an_example(kit):
    """
    The canaries of the request's tests are planted in items of every type.
    """
    types = {kind_of(item) for item in kit.example("request")["input"]}

    assert types == set(ITEMS)


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        ({"role": "user"}, "message"),
        ({"id": "msg_1"}, "item_reference"),
        ({"type": None, "role": "user"}, "message"),
        ({"type": "reasoning"}, "reasoning"),
        ({"type": 1}, ""),
        ("x", ""),
    ],
    ids=str,
)
def test_kind_of(item, kind):
    """
    An item without a type is told by what it has.
    """
    assert kind_of(item) == kind


@pytest.mark.parametrize(
    ("role", "speaker"),
    [
        ("user", "user"),
        ("assistant", "assistant"),
        ("system", "system"),
        ("developer", "system"),
        ("critic", "user"),
    ],
)
def test_who_speaks(kit, role, speaker):
    """
    A developer is the system; whoever nobody has heard of is no more than a user.
    """
    parts = [
        {"type": "input_text", "text": "one"},
        {"type": "input_text", "text": "two"},
    ]

    texts = kit.request(input=[{"role": role, "content": parts}]).texts()

    assert [text.role for text in texts] == [speaker, speaker]


def test_the_speaker_ends_with_the_item(kit):
    """
    What stands behind an item is not said by its speaker.
    """
    request = kit.request(
        input=[{"type": "reasoning", "summary": []}, "loose words"], metadata={"a": "b"}
    )

    assert {text.role for text in request.texts()} == {"user"}


@pytest.mark.parametrize(
    ("output", "kinds"),
    [
        ("words", ["tool_result"]),
        ([{"type": "input_text", "text": "words"}], ["tool_result"]),
        ([{"type": "never_heard", "text": "words"}], ["unknown"] * 4),
    ],
    ids=str,
)
def test_results(kit, output, kinds):
    """
    What a tool gave back is a result, as a string and as parts.
    """
    item = {"type": "function_call_output", "call_id": "c", "output": output}

    texts = kit.request(input=[item]).texts()

    assert [text.kind for text in texts] == kinds
    assert {text.role for text in texts} == {"tool"}
