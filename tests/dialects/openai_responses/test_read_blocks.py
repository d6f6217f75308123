"""
Content parts and reasoning, read into blocks.
"""

from __future__ import annotations

import pytest

from gateway.dialects.openai_responses.read_blocks import read_parts, read_reasoning
from gateway.errors import InvalidRequest, Untranslatable
from gateway.neutral import (
    Losses,
    MediaBlock,
    ReasoningBlock,
    RefusalBlock,
    Seal,
    TextBlock,
)


def read(*parts, losses=None):
    return read_parts(list(parts), losses or Losses(), "content")


@pytest.mark.parametrize(
    ("part", "block"),
    [
        ({"type": "input_text", "text": "x"}, TextBlock(text="x")),
        ({"type": "refusal", "refusal": "x"}, RefusalBlock(text="x")),
        (
            {
                "type": "output_text",
                "text": "x",
                "annotations": [{"type": "file_path"}],
            },
            TextBlock(text="x", annotations=[{"type": "file_path"}]),
        ),
        (
            {
                "type": "input_image",
                "image_url": "https://e.com/a.png",
                "detail": "low",
            },
            MediaBlock(kind="image", url="https://e.com/a.png", detail="low"),
        ),
        (
            {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
            MediaBlock(kind="image", media_type="image/png", data="AAAA"),
        ),
        (
            {"type": "input_image", "file_id": "file_1"},
            MediaBlock(kind="image", file_id="file_1"),
        ),
        (
            {
                "type": "input_file",
                "filename": "a.pdf",
                "file_data": "data:application/pdf;base64,AAAA",
            },
            MediaBlock(
                kind="document",
                media_type="application/pdf",
                data="AAAA",
                title="a.pdf",
            ),
        ),
        (
            {"type": "input_file", "filename": "a.CSV", "file_data": "AAAA"},
            MediaBlock(
                kind="document", media_type="text/csv", data="AAAA", title="a.CSV"
            ),
        ),
        (
            {"type": "input_file", "file_url": "https://e.com/a.pdf", "detail": "low"},
            MediaBlock(kind="document", url="https://e.com/a.pdf", detail="low"),
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
            MediaBlock(kind="audio", media_type="audio/mp3", data="AAAA"),
        ),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_parts(part, block):
    """
    Each kind of part has its block, and nothing of it is lost.
    """
    losses = Losses()

    assert read(part, losses=losses) == [block]
    assert losses.found == []


def test_breakpoints_are_kept():
    """
    The place of a cache breakpoint is kept; a lifetime that others do not have is changed.
    """
    losses = Losses()
    part = {
        "type": "input_text",
        "text": "x",
        "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"},
    }

    (block,) = read(part, losses=losses)

    assert block.cache == {"type": "ephemeral"}
    assert losses.header() == "prompt_cache_breakpoint.ttl=changed"


def test_unknown_members_are_recorded():
    """
    A member of a part that nobody has heard of is on the list of losses.
    """
    losses = Losses()

    read({"type": "input_text", "text": "x", "brand_new": 1}, losses=losses)

    assert losses.header() == "input_text.brand_new=dropped"


def test_unknown_parts_are_refused():
    """
    A part of a type that nobody has heard of may say anything, so it is not left out.
    """
    with pytest.raises(Untranslatable) as caught:
        read({"type": "input_video", "video": "x"})

    assert caught.value.fields == ("content[0]",)


@pytest.mark.parametrize(
    "part",
    [{"type": "input_image"}, {"type": "input_file"}, {"text": "x"}, {"type": 1}],
    ids=str,
)
def test_malformed_parts_are_named(part):
    """
    An error names the part.
    """
    with pytest.raises(InvalidRequest, match=r"content\[0\]"):
        read(part)


class TestReasoning:
    def item(self, **members):
        return {"type": "reasoning", "id": "rs_1", **members}

    def test_summary_and_text(self):
        """
        What was shown of the reasoning is a block of its own, before the summary.
        """
        blocks = read_reasoning(
            self.item(
                summary=[{"text": "One."}, {"text": "Two."}],
                content=[{"text": "All of it."}],
                encrypted_content="gAAAA",
            )
        )

        assert blocks == [
            ReasoningBlock(text="All of it."),
            ReasoningBlock(
                text="One.Two.",
                is_summary=True,
                parts=["One.", "Two."],
                seal=Seal(dialect="openai_responses", data="gAAAA", item_id="rs_1"),
            ),
        ]

    def test_another_vendors_reasoning_comes_back(self):
        """
        What was wrapped for the way through this dialect is what it was before.
        """
        seal = Seal(dialect="anthropic_messages", data="sig")

        blocks = read_reasoning(
            self.item(summary=[{"text": "Hm."}], encrypted_content=seal.wrap())
        )

        assert blocks == [ReasoningBlock(text="Hm.", seal=seal)]

    @pytest.mark.parametrize("broken", ["x", [1, {"text": 1}, {}], None])
    def test_malformed_summary_says_nothing(self, broken):
        """
        A summary that cannot be read is none.
        """
        assert read_reasoning(self.item(summary=broken)) == []
