from __future__ import annotations

import pytest

from gateway.neutral import (
    MediaBlock,
    Opaque,
    ReasoningBlock,
    RefusalBlock,
    Seal,
    TextBlock,
    ToolCall,
    ToolResult,
)


def messages(kit, *turns, **fields):
    doc, losses = kit.write(kit.ask(*turns, **fields))
    return doc["messages"], losses


class TestRoles:
    def test_instructions_lead(self, kit):
        """
        Instructions come first, each in its own message.
        """
        system = kit.turn("system", "a", "b")
        developer = kit.turn("system", "c")
        developer.is_developer = True

        found, _ = messages(
            kit, kit.turn("user", "x"), instructions=[system, developer]
        )

        parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
        assert found == [
            {"role": "system", "content": parts},
            {"role": "developer", "content": "c"},
            {"role": "user", "content": "x"},
        ]

    def test_system_in_mid_conversation(self, kit):
        """
        A later instruction stays where it is.
        """
        found, _ = messages(
            kit, kit.turn("user", "x"), kit.turn("system", "y"), kit.turn("user", "z")
        )

        assert [message["role"] for message in found] == ["user", "system", "user"]


class TestAssistant:
    def test_all_of_it(self, kit):
        """
        What the model said, and called, is one message.
        """
        turn = kit.turn(
            "assistant",
            ReasoningBlock(text="Hm"),
            "Hi",
            RefusalBlock(text="No"),
            ToolCall(id="c", name="f"),
            ToolCall(id="d", name="sql", arguments="select", kind="custom"),
        )
        results = ToolResult(call_id="c"), ToolResult(call_id="d")

        (message, *_), losses = messages(kit, turn, kit.turn("user", *results))

        assert message == {
            "role": "assistant",
            "reasoning_content": "Hm",
            "content": "Hi",
            "refusal": "No",
            "tool_calls": [
                {
                    "id": "c",
                    "type": "function",
                    "function": {"name": "f", "arguments": "{}"},
                },
                {
                    "id": "d",
                    "type": "custom",
                    "custom": {"name": "sql", "input": "select"},
                },
            ],
        }
        assert losses.found == []

    def test_calls_alone(self, kit):
        """
        Content is null beside calls only.
        """
        (message, _), _ = messages(
            kit, kit.turn("assistant", ToolCall(id="c", name="f", arguments="{}"))
        )

        assert message["content"] is None

    def test_another_vendors_seal(self, kit):
        """
        No provider takes reasoning that another sealed: it is dropped with a record.
        """
        seal = Seal(dialect="anthropic_messages", data="s")
        turn = kit.turn("assistant", ReasoningBlock(text="Hm", seal=seal), "Hi")

        (message,), losses = messages(kit, turn)

        assert message == {"role": "assistant", "content": "Hi"}
        assert losses.header() == "reasoning=dropped"

    def test_own_seal_returns(self, kit):
        """
        What a provider of this dialect sealed goes back to it, through any caller.
        """
        seal = Seal(dialect="openai_chat", data="c2ln")
        turn = kit.turn("assistant", ReasoningBlock(text="Hm", seal=seal), "Hi")

        (message,), _ = messages(kit, turn)

        assert message["thinking_blocks"] == [
            {"type": "thinking", "thinking": "Hm", "signature": "c2ln"}
        ]

    def test_foreign_blocks_are_recorded(self, kit):
        """
        Another vendor's own blocks, and its citations, are on the list of losses.
        """
        cited = TextBlock(text="Hi", annotations=[{"type": "char_location"}])
        hosted = Opaque(dialect="anthropic_messages", raw={"type": "server_tool_use"})

        (message,), losses = messages(kit, kit.turn("assistant", cited, hosted))

        assert message == {"role": "assistant", "content": "Hi"}
        assert losses.header() == (
            "content.server_tool_use=dropped, annotations=dropped"
        )


def results(kit, *blocks):
    """
    Write what tools gave back, behind their calls.
    """
    given = [block for block in blocks if isinstance(block, ToolResult)]
    calls = [ToolCall(id=block.call_id, name="f") for block in given]
    turns = kit.turn("assistant", *calls), kit.turn("user", *blocks)
    (_, *found), losses = messages(kit, *turns)
    return found, losses


class TestResults:
    def test_before_what_the_user_says(self, kit):
        """
        Each result is a message, before the user's.
        """
        found, losses = results(
            kit,
            ToolResult(call_id="a", content=[TextBlock(text="1")]),
            ToolResult(call_id="b"),
            TextBlock(text="So?"),
        )

        assert found == [
            {"role": "tool", "tool_call_id": "a", "content": "1"},
            {"role": "tool", "tool_call_id": "b", "content": ""},
            {"role": "user", "content": "So?"},
        ]
        assert losses.found == []

    def test_error(self, kit):
        """
        That a tool failed is said in words.
        """
        failed = ToolResult(
            call_id="a", content=[TextBlock(text="no such city")], is_error=True
        )

        (message,), losses = results(kit, failed)

        assert message["content"] == "Error: no such city"
        assert losses.header() == "tool_result.is_error=emulated"

    def test_image(self, kit):
        """
        A tool cannot show an image here: the user does.
        """
        image = MediaBlock(kind="image", media_type="image/png", data="aaaa")
        shown = ToolResult(call_id="a", content=[TextBlock(text="see"), image])

        (tool, user), losses = results(kit, shown)

        assert tool["content"] == "see"
        assert user["content"] == [
            {"type": "text", "text": "Result of call a:"},
            {
                "type": "image_url",
                "image_url": {"url": "data:image/png;base64,aaaa"},
            },
        ]
        assert losses.header() == "tool_result.content=changed"

    @pytest.mark.parametrize("count", [1, 2])
    def test_several_texts_stay_apart(self, kit, count):
        """
        One text is a string, several are parts.
        """
        content = [TextBlock(text="x")] * count

        (message,), _ = results(kit, ToolResult(call_id="a", content=content))

        assert isinstance(message["content"], str) is (count == 1)

    def test_what_does_not_meet_is_repaired(self, kit):
        """
        OpenAI refuses a call without its result, and a result without its call.
        """
        call = kit.turn("assistant", ToolCall(id="a", name="f"))
        orphan = ToolResult(call_id="b", content=[TextBlock(text="x")])

        found, losses = messages(kit, call, kit.turn("user", orphan))

        assert [message["role"] for message in found] == ["assistant", "tool", "user"]
        assert losses.header() == "tool_result=emulated, tool_calls=emulated"

    def test_own_conversations_are_not_repaired(self, kit):
        """
        What was said in this dialect is left to the provider to judge.
        """
        orphan = ToolResult(call_id="b", content=[TextBlock(text="x")])
        ask = kit.ask(kit.turn("user", orphan), dialect="openai_chat")

        doc, losses = kit.write(ask)

        found = doc["messages"]
        assert losses.found == []
        assert [message["role"] for message in found] == ["tool"]
