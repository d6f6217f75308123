from __future__ import annotations

import pytest

from gateway.dialects.openai_chat.reasoning import (
    for_provider,
    read_reasoning,
    write_reasoning,
)
from gateway.neutral import Losses, ReasoningBlock, Seal

OURS = Seal(dialect="openai_chat", data="c2ln")
THEIRS = Seal(dialect="openai_responses", data="ZW5j", item_id="rs_1")
DETAIL = {"type": "reasoning.text", "text": "Hm", "signature": "s", "index": 0}


class TestRead:
    @pytest.mark.parametrize(
        ("message", "blocks"),
        [
            ({"content": "Hi"}, []),
            ({"reasoning_content": ""}, []),
            ({"reasoning": "Hm"}, [ReasoningBlock(text="Hm")]),
            (
                {"reasoning_details": [{"text": "a"}, {"summary": "b"}]},
                [ReasoningBlock(text="ab")],
            ),
            (
                {
                    "reasoning_content": "Hm",
                    "thinking_blocks": [{"type": "thinking", "signature": "c2ln"}],
                },
                [ReasoningBlock(text="Hm", seal=OURS)],
            ),
            (
                {"thinking_blocks": [{"type": "redacted_thinking", "data": "c2ln"}]},
                [ReasoningBlock(seal=OURS, is_redacted=True)],
            ),
        ],
        ids=["none", "empty", "words", "details", "signature alone", "redacted"],
    )
    def test_spellings(self, message, blocks):
        """
        Reasoning is found in every spelling, once.
        """
        assert read_reasoning(message) == blocks

    def test_wrapped_seal(self):
        """
        Another vendor's seal comes back as its own, over a summary.
        """
        raw = {"type": "thinking", "thinking": "Hm", "signature": THEIRS.wrap()}

        (block,) = read_reasoning({"thinking_blocks": [raw]})

        assert block == ReasoningBlock(text="Hm", seal=THEIRS, is_summary=True)

    @pytest.mark.parametrize("odd", [1, "x", [1], {"a": 1}, [None]], ids=repr)
    def test_malformed(self, odd):
        """
        Members of other types say nothing.
        """
        message = dict.fromkeys(
            ("reasoning_content", "thinking_blocks", "reasoning_details"), odd
        )

        assert len(read_reasoning(message)) <= 1


class TestWrite:
    def test_words_and_blocks(self):
        """
        All words are shown together, each seal with its own.
        """
        blocks = [
            ReasoningBlock(text="One."),
            ReasoningBlock(text="Two.", seal=OURS),
            ReasoningBlock(seal=THEIRS, is_redacted=True),
        ]

        members = write_reasoning(blocks)

        assert members["reasoning_content"] == "One.\n\nTwo."
        assert members["thinking_blocks"] == [
            {"type": "thinking", "thinking": "Two.", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": THEIRS.wrap()},
        ]

    def test_parts_are_paragraphs(self):
        """
        Parts of a summary are told apart.
        """
        block = ReasoningBlock(text="ab", parts=["a", "b"])

        assert write_reasoning([block]) == {"reasoning_content": "a\n\nb"}

    def test_details_go_back(self):
        """
        OpenRouter's details are written as they came, under its names.
        """
        message = {"reasoning": "Hm", "reasoning_details": [DETAIL]}

        assert write_reasoning(read_reasoning(message)) == message

    def test_nothing(self):
        """
        No reasoning has no members.
        """
        assert write_reasoning([]) == {}


def test_for_provider():
    """
    Only reasoning that nobody sealed, or a provider of this dialect, is sent to one.
    """
    losses = Losses()
    own = [ReasoningBlock(text="a"), ReasoningBlock(text="b", seal=OURS)]

    kept = for_provider([*own, ReasoningBlock(text="c", seal=THEIRS)], losses)

    assert kept == own
    assert losses.header() == "reasoning=dropped"
