"""
Blocks, written as content parts.
"""

from __future__ import annotations

import pytest

from gateway.dialects.openai_responses.write_blocks import PartWriter, write_annotation
from gateway.errors import Untranslatable
from gateway.neutral import (
    Losses,
    MediaBlock,
    Opaque,
    RefusalBlock,
    TextBlock,
    ToolResult,
)


def inputs(*blocks, losses=None, dialect="other"):
    return PartWriter(dialect, losses or Losses()).inputs(blocks)


@pytest.mark.parametrize(
    ("block", "part"),
    [
        (TextBlock(text="x"), {"type": "input_text", "text": "x"}),
        (RefusalBlock(text="x"), {"type": "input_text", "text": "x"}),
        (
            MediaBlock(kind="image", url="https://e.com/a.png"),
            {
                "type": "input_image",
                "detail": "auto",
                "image_url": "https://e.com/a.png",
            },
        ),
        (
            MediaBlock(kind="image", media_type="image/gif", data="AAAA", detail="low"),
            {
                "type": "input_image",
                "detail": "low",
                "image_url": "data:image/gif;base64,AAAA",
            },
        ),
        (
            MediaBlock(kind="image", data="/9j/4AAQ"),
            {
                "type": "input_image",
                "detail": "auto",
                "image_url": "data:image/jpeg;base64,/9j/4AAQ",
            },
        ),
        (
            MediaBlock(kind="document", media_type="application/pdf", data="AAAA"),
            {
                "type": "input_file",
                "filename": "document.pdf",
                "file_data": "data:application/pdf;base64,AAAA",
            },
        ),
        (
            MediaBlock(kind="document", url="https://e.com/a.pdf"),
            {"type": "input_file", "file_url": "https://e.com/a.pdf"},
        ),
        (
            MediaBlock(kind="audio", media_type="audio/mpeg", data="AAAA"),
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
        ),
    ],
    ids=lambda value: value.get("type", "") if isinstance(value, dict) else "",
)
def test_parts(block, part):
    """
    Each block has its part, and nothing of it is lost.
    """
    losses = Losses()

    assert inputs(block, losses=losses) == [part]
    assert losses.found == []


def test_text_documents_are_text(kit):
    """
    The vendor's files are not for plain words, so title and words are written as text.
    """
    losses = Losses()
    block = MediaBlock(kind="document", text="Body.", title="Title", context="Context")

    parts = inputs(block, losses=losses)

    assert [part["text"] for part in parts] == ["Title\nContext", "Body."]
    assert losses.header() == "document=emulated"


def test_documents_of_blocks_are_their_blocks():
    """
    A document that is made of blocks is written as them.
    """
    inner = [TextBlock(text="a"), MediaBlock(kind="image", url="u")]

    parts = inputs(MediaBlock(kind="document", blocks=inner))

    assert [part["type"] for part in parts] == ["input_text", "input_image"]


@pytest.mark.parametrize(
    ("block", "field"),
    [
        (MediaBlock(kind="video", data="x"), "video"),
        (MediaBlock(kind="audio", url="x"), "audio"),
        (MediaBlock(kind="image", file_id="file_1"), "file_id"),
        (MediaBlock(kind="image"), "image"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_media_that_cannot_be_said_are_refused(block, field):
    """
    Leaving them out would leave the model without what it is asked about.
    """
    with pytest.raises(Untranslatable) as caught:
        inputs(block)

    assert caught.value.fields == (field,)


def test_files_at_the_vendor_are_known_to_its_other_dialect():
    """
    A file id of a chat completion names the same file.
    """
    block = MediaBlock(kind="document", file_id="file_1")

    assert inputs(block, dialect="openai_chat") == [
        {"type": "input_file", "file_id": "file_1"}
    ]


@pytest.mark.parametrize(
    ("block", "loss"),
    [
        (TextBlock(text="x", cache={"type": "ephemeral"}), "cache_control=dropped"),
        (
            MediaBlock(kind="document", url="u", context="c", cites=True),
            "document.context=dropped, document.cites=dropped",
        ),
        (Opaque(dialect="other", raw={}), "content=dropped"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_losses(block, loss):
    """
    What a part has no member for is recorded.
    """
    losses = Losses()

    inputs(block, losses=losses)

    assert losses.header() == loss


def test_own_breakpoints_go_back():
    """
    A breakpoint that came in this dialect is written again.
    """
    (part,) = inputs(
        TextBlock(text="x", cache={"type": "ephemeral"}), dialect="openai_responses"
    )

    assert part["prompt_cache_breakpoint"] == {"mode": "explicit"}


class TestResults:
    def result(self, *content, losses=None, **members):
        writer = PartWriter("other", losses or Losses())
        return writer.result(ToolResult(call_id="c", content=list(content), **members))

    def test_one_text_is_a_string(self):
        """
        The easy form of an output.
        """
        assert self.result(TextBlock(text="x")) == "x"

    def test_several_parts(self):
        """
        Images and texts are parts.
        """
        parts = self.result(TextBlock(text="x"), MediaBlock(kind="image", url="u"))

        assert [part["type"] for part in parts] == ["input_text", "input_image"]

    def test_nothing(self):
        """
        A tool that gave nothing back gave back the empty string.
        """
        assert self.result() == ""

    @pytest.mark.parametrize(
        ("content", "written"),
        [([TextBlock(text="no file")], "Error: no file"), ([], "Error")],
    )
    def test_errors_say_so(self, content, written):
        """
        There is no mark for an error, so the words say it, with a record.
        """
        losses = Losses()

        assert self.result(*content, losses=losses, is_error=True) == written
        assert losses.header() == "is_error=emulated"


@pytest.mark.parametrize(
    ("raw", "written"),
    [
        (
            {"type": "url_citation", "url_citation": {"start_index": 1, "url": "u"}},
            {"type": "url_citation", "start_index": 1, "url": "u"},
        ),
        ({"type": "file_path", "index": 1}, {"type": "file_path", "index": 1}),
        ({"type": "char_location"}, None),
        ({}, None),
    ],
)
def test_annotations(raw, written):
    """
    The vendor's own annotations are written flat; nobody else's are known.
    """
    assert write_annotation(raw) == written
