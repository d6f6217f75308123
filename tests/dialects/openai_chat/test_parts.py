from __future__ import annotations

import pytest

from gateway.dialects.openai_chat.parts import read_content, write_content, write_parts
from gateway.errors import InvalidRequest, Untranslatable
from gateway.neutral import (
    Losses,
    MediaBlock,
    Opaque,
    ReasoningBlock,
    RefusalBlock,
    TextBlock,
    ToolCall,
)


def read(*parts):
    losses = Losses()
    return read_content(list(parts), losses, "content"), losses


def image(url, **rest):
    return {"type": "image_url", "image_url": {"url": url, **rest}}


def file(**members):
    return {"type": "file", "file": members}


def write(*blocks, is_own=False):
    losses = Losses()
    return write_parts(list(blocks), losses, is_own=is_own), losses


READ = {
    "link": (image("https://x/a.png"), MediaBlock(kind="image", url="https://x/a.png")),
    "data": (
        image("data:image/png;base64,aaaa", detail="low"),
        MediaBlock(kind="image", media_type="image/png", data="aaaa", detail="low"),
    ),
    "data without base64": (
        image("data:image/svg+xml,%3Csvg%2F%3E"),
        MediaBlock(kind="image", media_type="image/svg+xml", data="PHN2Zy8+"),
    ),
    "audio": (
        {"type": "input_audio", "input_audio": {"data": "aaaa", "format": "mp3"}},
        MediaBlock(kind="audio", media_type="audio/mpeg", data="aaaa"),
    ),
    "file": (file(file_id="file-1"), MediaBlock(kind="document", file_id="file-1")),
    "PDF": (
        file(filename="a.pdf", file_data="data:application/pdf;base64,JVBERi0="),
        MediaBlock(
            kind="document",
            media_type="application/pdf",
            data="JVBERi0=",
            title="a.pdf",
        ),
    ),
    "bare base64": (
        file(file_data="JVBERi0="),
        MediaBlock(kind="document", media_type="application/pdf", data="JVBERi0="),
    ),
    "text document": (
        file(file_data="data:text/csv;base64,YSxi"),
        MediaBlock(kind="document", media_type="text/csv", text="a,b"),
    ),
    "text document that is none": (
        file(file_data="data:text/csv;base64,AAE="),
        MediaBlock(kind="document", media_type="text/csv", data="AAE="),
    ),
    "refusal": ({"type": "refusal", "refusal": "No"}, RefusalBlock(text="No")),
    "thinking": (
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]},
        ReasoningBlock(text="Hm"),
    ),
    "novel": (
        {"type": "novel", "a": 1},
        Opaque(dialect="openai_chat", raw={"type": "novel", "a": 1}),
    ),
}


class TestRead:
    @pytest.mark.parametrize(("part", "block"), READ.values(), ids=READ)
    def test_part(self, part, block):
        """
        Each kind of part is a block, and nothing of it is lost.
        """
        blocks, losses = read(part)

        assert blocks == [block]
        assert losses.found == []

    @pytest.mark.parametrize(
        ("value", "blocks"),
        [(None, []), ("", []), ("x", [TextBlock(text="x")])],
        ids=repr,
    )
    def test_string(self, value, blocks):
        """
        Content may be a string, or nothing.
        """
        assert read_content(value, Losses(), "content") == blocks

    @pytest.mark.parametrize("value", [1, {}, [1], [None]], ids=repr)
    def test_malformed(self, value):
        """
        Anything else is refused by its place.
        """
        with pytest.raises(InvalidRequest, match="content"):
            read_content(value, Losses(), "content")

    @pytest.mark.parametrize(
        ("members", "cache", "loss"),
        [
            ({"cache_control": {"type": "ephemeral"}}, {"type": "ephemeral"}, ""),
            (
                {"prompt_cache_breakpoint": {"mode": "explicit"}},
                {"type": "ephemeral"},
                "",
            ),
            (
                {"prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
                {"type": "ephemeral", "ttl": "1h"},
                "prompt_cache_breakpoint.ttl=changed",
            ),
        ],
        ids=["Anthropic's", "OpenAI's", "with a time"],
    )
    def test_breakpoints(self, members, cache, loss):
        """
        Both spellings of a prompt-cache breakpoint are one.
        """
        (block,), losses = read({"type": "text", "text": "x", **members})

        assert block.cache == cache
        assert losses.header() == loss

    def test_member_nobody_knows_is_recorded(self):
        """
        A part's new member is on the list of losses.
        """
        _, losses = read({"type": "text", "text": "x", "novel": 1})

        assert losses.header() == "text.novel=dropped"


class TestWrite:
    def test_one_text_is_a_string(self):
        """
        Content that a string can say is a string.
        """
        text = TextBlock(text="x")

        assert write_content([text], Losses(), is_own=False) == "x"
        assert write_content([], Losses(), is_own=False) == ""
        assert len(write_content([text, text], Losses(), is_own=False)) == 2

    @pytest.mark.parametrize(
        ("block", "part"),
        [
            (MediaBlock(kind="image", url="u", detail="low"), image("u", detail="low")),
            (
                MediaBlock(kind="image", media_type="image/png", data="aaaa"),
                image("data:image/png;base64,aaaa"),
            ),
            (
                MediaBlock(kind="audio", media_type="audio/wav", data="aaaa"),
                {
                    "type": "input_audio",
                    "input_audio": {"data": "aaaa", "format": "wav"},
                },
            ),
            (
                MediaBlock(kind="document", media_type="application/pdf", data="aaaa"),
                file(
                    file_data="data:application/pdf;base64,aaaa",
                    filename="document.pdf",
                ),
            ),
        ],
        ids=["link", "data", "audio", "PDF"],
    )
    def test_media(self, block, part):
        """
        Media of any origin have a part.
        """
        parts, losses = write(block)

        assert parts == [part]
        assert losses.found == []

    def test_text_document_is_quoted(self):
        """
        A text document is written as text, told apart, with a record.
        """
        block = MediaBlock(kind="document", text="a b", title="T", context="C")

        (part,), losses = write(block)

        assert part["text"] == "<document>\ntitle: T\ncontext: C\na b\n</document>"
        assert losses.header() == "document=emulated"

    def test_document_of_blocks(self):
        """
        A document with an image in it keeps the image.
        """
        inner = [TextBlock(text="see"), MediaBlock(kind="image", url="u")]

        parts, _ = write(MediaBlock(kind="document", blocks=inner))

        assert [part["type"] for part in parts] == [
            "text",
            "text",
            "image_url",
            "text",
        ]

    @pytest.mark.parametrize(
        "block",
        [
            MediaBlock(kind="document", url="u"),
            MediaBlock(kind="document", file_id="f"),
            MediaBlock(kind="image", file_id="f"),
        ],
        ids=["document's link", "file", "image's file"],
    )
    def test_what_must_not_be_lost(self, block):
        """
        A document that the provider could not find is refused by name.
        """
        with pytest.raises(Untranslatable):
            write(block)

    @pytest.mark.parametrize(
        ("block", "loss"),
        [
            (Opaque(dialect="x", raw={"type": "odd"}), "content.odd=dropped"),
            (ReasoningBlock(text="x"), "content.reasoning=dropped"),
            (ToolCall(id="c", name="f"), "content=dropped"),
            (TextBlock(text="x", cache={"type": "y"}), "cache_control=dropped"),
            (
                MediaBlock(kind="document", data="a", cites=True),
                "document.citations=dropped",
            ),
            (
                MediaBlock(kind="document", data="a", context="c"),
                "document.context=dropped",
            ),
        ],
        ids=["opaque", "reasoning", "call", "cache", "citations", "context"],
    )
    def test_what_cannot_be_said_is_recorded(self, block, loss):
        """
        Nothing is lost in silence.
        """
        assert write(block)[1].header() == loss
