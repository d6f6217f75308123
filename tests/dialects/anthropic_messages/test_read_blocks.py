"""
Content blocks, read into neutral ones.
"""

from __future__ import annotations

import pytest

from gateway.dialects.anthropic_messages.read_blocks import read_content
from gateway.errors import InvalidRequest, Untranslatable
from gateway.neutral import (
    Losses,
    MediaBlock,
    Opaque,
    ReasoningBlock,
    Seal,
    TextBlock,
    ToolCall,
    ToolResult,
)

OWN = "anthropic_messages"
CACHE = {"type": "ephemeral", "ttl": "1h"}
CITED = {"type": "char_location", "cited_text": "x"}


@pytest.fixture
def read():
    def read_one(block):
        losses = Losses()
        (found,) = read_content([block], losses, "here")
        return found, {f"{loss.field}={loss.action}" for loss in losses.found}

    return read_one


@pytest.mark.parametrize("content", [None, "", []])
def test_nothing_is_no_block(content):
    """
    Empty content has no blocks.
    """
    assert read_content(content, Losses(), "here") == []


def test_string_is_one_text():
    """
    A string is short for one text block.
    """
    assert read_content("Hello", Losses(), "here") == [TextBlock(text="Hello")]


@pytest.mark.parametrize("content", [{"type": "text"}, 7, ["x"], [None]])
def test_other_content_is_the_callers_mistake(content):
    """
    Content of another type is refused, with its place.
    """
    with pytest.raises(InvalidRequest, match="here"):
        read_content(content, Losses(), "here")


@pytest.mark.parametrize(
    ("block", "neutral"),
    [
        (
            {"type": "text", "text": "x", "citations": [CITED], "cache_control": CACHE},
            TextBlock(text="x", annotations=[CITED], cache=CACHE),
        ),
        (
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": "aa"},
            },
            MediaBlock(kind="image", media_type="image/png", data="aa"),
        ),
        (
            {
                "type": "image",
                "source": {"type": "url", "url": "https://x"},
                "cache_control": CACHE,
            },
            MediaBlock(kind="image", url="https://x", cache=CACHE),
        ),
        (
            {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
            MediaBlock(kind="image", file_id="file_1"),
        ),
        (
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "x"},
                "title": "T",
                "context": "C",
                "citations": {"enabled": False},
            },
            MediaBlock(
                kind="document",
                media_type="text/plain",
                text="x",
                title="T",
                context="C",
                cites=False,
            ),
        ),
        (
            {"type": "document", "source": {"type": "content", "content": "x"}},
            MediaBlock(kind="document", blocks=[TextBlock(text="x")]),
        ),
        (
            {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
            ReasoningBlock(text="Hm.", seal=Seal(dialect=OWN, data="c2ln")),
        ),
        (
            {"type": "thinking", "thinking": "", "signature": "c2ln"},
            ReasoningBlock(text="", seal=Seal(dialect=OWN, data="c2ln")),
        ),
        (
            {"type": "thinking", "thinking": "Hm.", "signature": ""},
            ReasoningBlock(text="Hm."),
        ),
        (
            {"type": "redacted_thinking", "data": "aGk"},
            ReasoningBlock(is_redacted=True, seal=Seal(dialect=OWN, data="aGk")),
        ),
        (
            {"type": "tool_use", "id": "t1", "name": "go", "input": {"b": 1, "a": "å"}},
            ToolCall(id="t1", name="go", arguments='{"b":1,"a":"å"}'),
        ),
        (
            {"type": "tool_use", "id": "t1", "name": "go", "input": {}},
            ToolCall(id="t1", name="go", arguments="{}"),
        ),
        (
            {
                "type": "tool_use",
                "id": "gwid_YTpi",
                "name": "go",
                "input": {"n": 10**30},
                "caller": {"type": "direct"},
            },
            ToolCall(id="a:b", name="go", arguments='{"n":' + str(10**30) + "}"),
        ),
        (
            {"type": "tool_result", "tool_use_id": "t1", "content": "x"},
            ToolResult(call_id="t1", content=[TextBlock(text="x")]),
        ),
        (
            {"type": "tool_result", "tool_use_id": "t1", "is_error": True},
            ToolResult(call_id="t1", is_error=True),
        ),
        (
            {"type": "server_tool_use", "id": "s1", "name": "web_search"},
            Opaque(
                dialect=OWN,
                raw={"type": "server_tool_use", "id": "s1", "name": "web_search"},
            ),
        ),
        (
            {"type": "a_new_block", "x": 1},
            Opaque(dialect=OWN, raw={"type": "a_new_block", "x": 1}),
        ),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else None,
)
def test_blocks_are_read_without_loss(read, block, neutral):
    """
    Each block has its neutral form, and nothing of it goes on the record.
    """
    assert read(block) == (neutral, set())


def test_seal_of_another_vendor_is_opened(read):
    """
    A wrapped seal that the caller sends back is the other vendor's again.
    """
    seal = Seal(dialect="openai_responses", data="gAAA=", item_id="rs_1")
    block = {"type": "thinking", "thinking": "Hm.", "signature": seal.wrap()}

    found, _ = read(block)

    assert found == ReasoningBlock(text="Hm.", is_summary=True, seal=seal)


@pytest.mark.parametrize(
    ("block", "lost"),
    [
        ({"type": "text", "text": "x", "mood": "glad"}, {"text.mood=dropped"}),
        (
            {
                "type": "image",
                "source": {"type": "url", "url": "u", "crop": 1},
                "transformations": {"oversized_image": "error"},
            },
            {"image.source.crop=dropped", "image.transformations=dropped"},
        ),
        (
            {"type": "tool_use", "caller": {"type": "code"}, "toolset_name": "x"},
            {"tool_use.caller=dropped", "tool_use.toolset_name=dropped"},
        ),
        (
            {"type": "search_result", "source": "s", "title": "t", "content": []},
            {"search_result=emulated"},
        ),
        ({"type": "compaction", "content": "x"}, {"compaction=emulated"}),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else None,
)
def test_what_is_lost_is_told(read, block, lost):
    """
    Members without a neutral place are on the record, each by name.
    """
    _, found = read(block)

    assert found == lost


def test_search_result_becomes_a_document(read):
    """
    What was found keeps its words, its title and where it is from.
    """
    found, _ = read(
        {
            "type": "search_result",
            "source": "https://x",
            "title": "T",
            "content": [{"type": "text", "text": "words"}],
            "citations": {"enabled": True},
        }
    )

    assert found == MediaBlock(
        kind="document",
        blocks=[TextBlock(text="words")],
        title="T",
        context="https://x",
        cites=True,
    )


def test_compacted_conversation_is_told_by_its_summary(read):
    """
    The summary stands for what it summarises.
    """
    found, _ = read({"type": "compaction", "content": "They met.", "signature": "c2ln"})

    assert isinstance(found, TextBlock)
    assert found.text.endswith("They met.")


@pytest.mark.parametrize(
    "block",
    [
        {"type": "compaction", "encrypted_content": "x"},
        {"type": "image", "source": {"type": "hologram"}},
    ],
    ids=lambda block: block["type"],
)
def test_what_must_not_be_lost_is_refused(read, block):
    """
    A block without which the conversation means something else is refused by name.
    """
    with pytest.raises(Untranslatable):
        read(block)
