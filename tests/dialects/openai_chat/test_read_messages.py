from __future__ import annotations

import pytest

from gateway.errors import Untranslatable
from gateway.neutral import (
    Opaque,
    ReasoningBlock,
    RefusalBlock,
    Seal,
    TextBlock,
    ToolCall,
    ToolResult,
    Turn,
)


def system(text, **rest):
    return {"role": "system", "content": text, **rest}


def user(text, **rest):
    return {"role": "user", "content": text, **rest}


def assistant(**members):
    return {"role": "assistant", **members}


def result(call_id, content, **rest):
    return {"role": "tool", "tool_call_id": call_id, "content": content, **rest}


def called(call_id, name="f", arguments="{}"):
    function = {"name": name, "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function}


class TestInstructions:
    def test_only_the_leading_run(self, kit):
        """
        System messages in mid-conversation stay where they are.
        """
        ask, _ = kit.messages(
            system("a"), {"role": "developer", "content": "b"}, user("x"), system("c")
        )

        assert ask.instructions == [
            Turn(role="system", blocks=[TextBlock(text="a")]),
            Turn(role="system", blocks=[TextBlock(text="b")], is_developer=True),
        ]
        assert [turn.role for turn in ask.turns] == ["user", "system"]

    def test_only_instructions(self, kit):
        """
        A conversation of instructions alone has no turns.
        """
        assert kit.messages(system("a"))[0].turns == []


class TestTurns:
    def test_names(self, kit):
        """
        Participants keep their names.
        """
        assert kit.messages(user("x", name="ann"))[0].turns[0].name == "ann"

    def test_assistant_in_order(self, kit):
        """
        Reasoning comes before what was said, and calls behind it.
        """
        message = assistant(
            tool_calls=[called("c")],
            refusal="No",
            content="Hi",
            reasoning_content="Hm",
        )

        ask, losses = kit.messages(user("x"), message)

        assert ask.turns[1].blocks == [
            ReasoningBlock(text="Hm"),
            TextBlock(text="Hi"),
            RefusalBlock(text="No"),
            ToolCall(id="c", name="f", arguments="{}"),
        ]
        assert losses.found == []

    def test_arguments_stay_as_they_are(self, kit):
        """
        Arguments are kept as source, whatever they look like.
        """
        source = '{"a":  1.0, "b": 12345678901234567890'

        ask, _ = kit.messages(assistant(tool_calls=[called("c", arguments=source)]))

        assert ask.turns[0].blocks[0].arguments == source

    def test_seals(self, kit):
        """
        Signed blocks are read in place of the words that they repeat.
        """
        blocks = [
            {"type": "thinking", "thinking": "Hm", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "aGlk"},
        ]

        ask, losses = kit.messages(
            assistant(content="Hi", reasoning_content="Hm", thinking_blocks=blocks)
        )

        seal = Seal(dialect="openai_chat", data="c2ln")
        assert ask.turns[0].blocks[0] == ReasoningBlock(text="Hm", seal=seal)
        assert ask.turns[0].blocks[1].is_redacted
        assert losses.found == []

    def test_annotations(self, kit):
        """
        Annotations belong to the text.
        """
        raw = {"type": "url_citation"}

        ask, _ = kit.messages(assistant(content="Hi", annotations=[raw]))

        assert ask.turns[0].blocks[0].annotations == [raw]

    def test_audio_is_its_transcript(self, kit):
        """
        Of an answer in audio the words are kept, and the rest is recorded.
        """
        ask, losses = kit.messages(assistant(audio={"id": "a", "transcript": "Hi"}))

        assert ask.turns[0].blocks == [TextBlock(text="Hi")]
        assert losses.header() == "messages.audio=emulated"

    def test_audio_without_words(self, kit):
        """
        An id of audio that the provider keeps says nothing to another.
        """
        with pytest.raises(Untranslatable):
            kit.messages(assistant(audio={"id": "a"}))

    def test_unknown_call(self, kit):
        """
        A call that only this dialect knows is kept as it came.
        """
        raw = {"id": "c", "type": "browse", "browse": {}}

        ask, _ = kit.messages(assistant(tool_calls=[raw]))

        assert ask.turns[0].blocks == [Opaque(dialect="openai_chat", raw=raw)]

    def test_breakpoint_on_the_message(self, kit):
        """
        A prompt-cache breakpoint on a message is one behind its text.
        """
        cache = {"type": "ephemeral"}

        ask, _ = kit.messages(system("a", cache_control=cache), user("x"))

        assert ask.instructions[0].blocks[0].cache == cache

    def test_member_nobody_knows_is_recorded(self, kit):
        """
        A new member of a message is on the list of losses.
        """
        assert kit.messages(user("x", novel=1))[1].header() == "messages.novel=dropped"


class TestResults:
    def test_in_a_row(self, kit):
        """
        Results that follow each other are one turn of the user's.
        """
        ask, losses = kit.messages(
            assistant(tool_calls=[called("a"), called("b")]),
            result("a", "1", name="f"),
            result("b", [{"type": "text", "text": "2"}]),
            user("So?"),
        )

        assert ask.turns[1:] == [
            Turn(
                role="user",
                blocks=[
                    ToolResult(call_id="a", content=[TextBlock(text="1")]),
                    ToolResult(call_id="b", content=[TextBlock(text="2")]),
                ],
            ),
            Turn(role="user", blocks=[TextBlock(text="So?")]),
        ]
        assert losses.found == []

    def test_of_functions(self, kit):
        """
        A function's result is matched to its call by name.
        """
        ask, _ = kit.messages(
            assistant(content=None, function_call={"name": "f", "arguments": "{}"}),
            {"role": "function", "name": "f", "content": "1"},
        )

        (call,), (answer,) = (turn.blocks for turn in ask.turns)
        assert call.id == answer.call_id

    def test_name_that_says_more(self, kit):
        """
        A name that the call does not have is recorded.
        """
        _, losses = kit.messages(result("a", "1", name="other"))

        assert losses.header() == "messages.name=dropped"
