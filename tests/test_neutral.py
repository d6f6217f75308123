from __future__ import annotations

from gateway.neutral import Ask, TextBlock, ToolCall, Turn


def test_an_ask_names_the_tools_that_its_turns_call():
    """
    In their order, each as often as it was called.
    """
    calls = [ToolCall(id=name, name=name) for name in ("b", "a", "b")]
    turns = [
        Turn(role="user", blocks=[TextBlock(text="x")]),
        Turn(role="assistant", blocks=calls),
    ]

    assert list(Ask(model="m", turns=turns).called_names()) == ["b", "a", "b"]
