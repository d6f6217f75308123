"""
Neutral blocks, written for Anthropic.
"""

from __future__ import annotations

import base64

import pytest

from gateway.dialects.anthropic_messages.write_blocks import BlockWriter, arguments_of
from gateway.dialects.tool_names import ToolNames
from gateway.errors import Untranslatable
from gateway.neutral import (
    Losses,
    MediaBlock,
    Opaque,
    ReasoningBlock,
    RefusalBlock,
    Seal,
    TextBlock,
    ToolCall,
    ToolResult,
)

OWN = "anthropic_messages"
CACHE = {"type": "ephemeral"}
PNG = "iVBORw0KGgoAAAA"
OWN_SEAL = Seal(dialect=OWN, data="c2ln")
FOREIGN_SEAL = Seal(dialect="openai_responses", data="gAAA")


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def written(*blocks, is_own=False):
    losses = Losses()
    writer = BlockWriter(ToolNames(["go", "a.b"], longest=128), losses, is_own)
    return writer.write(blocks), losses.header()


@pytest.mark.parametrize(
    ("block", "doc"),
    [
        (
            TextBlock(text="x", cache=CACHE),
            {"type": "text", "text": "x", "cache_control": CACHE},
        ),
        (
            MediaBlock(kind="image", media_type="image/png", data=PNG),
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": PNG},
            },
        ),
        (
            MediaBlock(kind="image", url="https://x", detail="auto", cache=CACHE),
            {
                "type": "image",
                "source": {"type": "url", "url": "https://x"},
                "cache_control": CACHE,
            },
        ),
        (
            MediaBlock(kind="document", media_type="application/pdf", data="JVBE"),
            {
                "type": "document",
                "source": {
                    "type": "base64",
                    "media_type": "application/pdf",
                    "data": "JVBE",
                },
            },
        ),
        (
            MediaBlock(kind="document", text="x", title="T", context="C", cites=True),
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "x"},
                "title": "T",
                "context": "C",
                "citations": {"enabled": True},
            },
        ),
        (
            MediaBlock(kind="document", blocks=[TextBlock(text="x")]),
            {
                "type": "document",
                "source": {
                    "type": "content",
                    "content": [{"type": "text", "text": "x"}],
                },
            },
        ),
        (
            MediaBlock(kind="document", media_type="text/csv", data=encoded("a,b")),
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "a,b"},
            },
        ),
        (
            ToolCall(id="t1", name="go", arguments='{"b": 1}', cache=CACHE),
            {
                "type": "tool_use",
                "id": "t1",
                "name": "go",
                "input": {"b": 1},
                "cache_control": CACHE,
            },
        ),
        (
            ToolCall(id="a:b", name="a.b", arguments=""),
            {"type": "tool_use", "id": "gwid_YTpi", "name": "a_b", "input": {}},
        ),
        (
            ToolResult(call_id="t1", content=[TextBlock(text="x")]),
            {"type": "tool_result", "tool_use_id": "t1", "content": "x"},
        ),
        (
            ToolResult(call_id="t1", is_error=True, cache=CACHE),
            {
                "type": "tool_result",
                "tool_use_id": "t1",
                "is_error": True,
                "cache_control": CACHE,
            },
        ),
        (
            ToolResult(
                call_id="t1",
                content=[TextBlock(text="x"), MediaBlock(kind="image", url="u")],
            ),
            {
                "type": "tool_result",
                "tool_use_id": "t1",
                "content": [
                    {"type": "text", "text": "x"},
                    {"type": "image", "source": {"type": "url", "url": "u"}},
                ],
            },
        ),
        (
            ReasoningBlock(text="", seal=OWN_SEAL),
            {"type": "thinking", "thinking": "", "signature": "c2ln"},
        ),
        (
            ReasoningBlock(is_redacted=True, seal=OWN_SEAL),
            {"type": "redacted_thinking", "data": "c2ln"},
        ),
        (
            Opaque(dialect=OWN, raw={"type": "server_tool_use", "id": "s1"}),
            {"type": "server_tool_use", "id": "s1"},
        ),
    ],
    ids=lambda value: value.get("type") if isinstance(value, dict) else None,
)
def test_blocks_are_written_without_loss(block, doc):
    """
    What Anthropic has a block for is written as that block, with nothing on the record.
    """
    assert written(block) == ([doc], "")


@pytest.mark.parametrize(
    ("block", "docs", "lost"),
    [
        (TextBlock(text=""), [], ""),
        (TextBlock(text=" \n"), [], "messages=changed"),
        (
            TextBlock(text="x", annotations=[{"type": "url_citation", "url": "u"}]),
            [{"type": "text", "text": "x"}],
            "annotations=dropped",
        ),
        (
            TextBlock(
                text="x",
                annotations=[
                    {"type": "web_search_result_location", "encrypted_index": ""}
                ],
            ),
            [{"type": "text", "text": "x"}],
            "annotations=dropped",
        ),
        (
            RefusalBlock(text="No."),
            [{"type": "text", "text": "No."}],
            "refusal=emulated",
        ),
        (ReasoningBlock(text="Hm."), [], "reasoning=dropped"),
        (ReasoningBlock(text="Hm.", seal=FOREIGN_SEAL), [], "reasoning=dropped"),
        (
            Opaque(dialect="openai_responses", raw={"type": "web_search_call"}),
            [],
            "messages.web_search_call=dropped",
        ),
        (
            ToolCall(id="t", name="go", arguments="{oops"),
            [{"type": "tool_use", "id": "t", "name": "go", "input": {"_raw": "{oops"}}],
            "tool_calls.arguments=changed",
        ),
        (
            ToolCall(id="t", name="go", arguments="[1]"),
            [{"type": "tool_use", "id": "t", "name": "go", "input": {"_raw": "[1]"}}],
            "tool_calls.arguments=changed",
        ),
        (
            MediaBlock(kind="image", media_type="image/jpeg", data=PNG, detail="low"),
            [
                {
                    "type": "image",
                    "source": {
                        "type": "base64",
                        "media_type": "image/png",
                        "data": PNG,
                    },
                }
            ],
            "image.detail=dropped, image.media_type=changed",
        ),
        (MediaBlock(kind="document", text="  "), [], "document=changed"),
    ],
    ids=[
        *("empty", "blank", "link", "link that came back", "refusal", "unsigned"),
        *("signed by another", "hosted tool", "broken arguments", "list of arguments"),
        *("mislabelled image", "blank document"),
    ],
)
def test_losses_are_told(block, docs, lost):
    """
    What Anthropic cannot say is left out or changed, and on the record.
    """
    assert written(block) == (docs, lost)


@pytest.mark.parametrize(
    "block",
    [
        MediaBlock(kind="audio", media_type="audio/wav", data="UklGRg"),
        MediaBlock(kind="video", url="https://x"),
        MediaBlock(kind="image", file_id="file-1"),
        MediaBlock(kind="document", file_id="file-1"),
        MediaBlock(kind="image", media_type="image/tiff", data="SUkqAA"),
        MediaBlock(kind="document", media_type="application/msword", data="0M8R"),
        MediaBlock(kind="document", media_type="text/plain", data="AAE="),
    ],
    ids=["audio", "video", "image file", "file", "tiff", "word", "not text"],
)
def test_media_that_anthropic_cannot_read_are_refused(block):
    """
    What the model would have to see or hear is never left out in silence.
    """
    with pytest.raises(Untranslatable):
        written(block)


def test_files_of_the_vendor_are_its_own():
    """
    An id that came in this dialect leads to a file at the vendor.
    """
    docs, _ = written(MediaBlock(kind="image", file_id="file_1"), is_own=True)

    assert docs == [{"type": "image", "source": {"type": "file", "file_id": "file_1"}}]


@pytest.mark.parametrize(
    ("kind", "arguments", "given", "is_whole"),
    [
        ("function", "", {}, True),
        ("function", "  ", {}, True),
        ("function", '{"a": {"a": 1}}', {"a": {"a": 1}}, True),
        (
            "function",
            '{"n": 12345678901234567890123}',
            {"n": 12345678901234567890123},
            True,
        ),
        ("function", '{"a": 1, "a": 2}', {"_raw": '{"a": 1, "a": 2}'}, False),
        ("function", "null", {"_raw": "null"}, False),
        ("custom", "any words", {"input": "any words"}, True),
    ],
)
def test_arguments_become_an_object(kind, arguments, given, is_whole):
    """
    Whatever a model wrote as arguments, Anthropic gets an object.
    """
    call = ToolCall(id="t", name="go", arguments=arguments, kind=kind)

    assert arguments_of(call) == (given, is_whole)
