"""
Answers, written as whole responses; the vendor's SDK judges them.
"""

from __future__ import annotations

import pytest

from gateway.neutral import (
    Answer,
    Losses,
    MediaBlock,
    Opaque,
    ReasoningBlock,
    RefusalBlock,
    Seal,
    Stop,
    TextBlock,
    ToolCall,
)
from gateway.usage import Usage

BLOCKS = [
    ReasoningBlock(text="Hm.", seal=Seal(dialect="anthropic_messages", data="sig")),
    TextBlock(text="It rains."),
    RefusalBlock(text="No more."),
    ToolCall(id="call_1", name="get_weather", arguments='{"city":"Oslo"}'),
    ToolCall(id="call_2", name="sql", arguments="select 1", kind="custom"),
    TextBlock(text="Bye."),
]


def answer(*blocks, **members):
    return Answer(
        **{"id": "msg_1", "model": "claude", "blocks": list(blocks), **members}
    )


def written(kit, *blocks, asked=None, losses=None, **members):
    asked = asked or kit.request(input="x")
    response = kit.dialect.write_answer(
        answer(*blocks, **members), asked, losses or Losses()
    )
    return response.doc


def test_sdk_reads_it(kit):
    """
    The SDK finds words, calls and usage where it looks for them.
    """
    usage = Usage(input=3, cache_read=2, output=4, reasoning=1)
    doc = written(kit, *BLOCKS, usage=usage, stop=Stop(reason="tool"), created=7)

    response = kit.valid_response(doc)

    assert response.output_text == "It rains.Bye."
    assert [item.type for item in response.output] == [
        "reasoning",
        "message",
        "function_call",
        "custom_tool_call",
        "message",
    ]
    assert response.usage.total_tokens == 10
    assert (response.id, response.model, response.created_at) == (
        "resp_gw_msg_1",
        "claude",
        7,
    )
    assert len({item.id for item in response.output}) == 5


def test_it_says_again_what_was_asked(kit):
    """
    A response holds the settings of its request.
    """
    asked = kit.request(**{**kit.example("request"), "conversation": None})

    doc = written(kit, *BLOCKS, asked=asked)

    kit.valid_response(doc)
    for key in (
        "instructions",
        "tools",
        "tool_choice",
        "text",
        "metadata",
        "temperature",
    ):
        assert doc[key] == asked.doc[key]


def test_it_is_stored_nowhere(kit):
    """
    A translated response cannot be fetched, and does not say that it can.
    """
    doc = written(kit, asked=kit.request(input="x", store=True))

    assert doc["store"] is False
    assert doc["previous_response_id"] is None
    assert doc["background"] is False


def test_it_is_read_as_it_was_written(kit):
    """
    Read back, the answer is the one that was written.
    """
    usage = Usage(input=3, cache_read=2, output=4, reasoning=1, service_tier="flex")
    given = answer(
        *BLOCKS,
        id="resp_1",
        usage=usage,
        created=7,
        service_tier="flex",
        stop=Stop(reason="tool", raw="completed"),
    )

    response = kit.dialect.write_answer(given, kit.request(input="x"), Losses())

    assert kit.dialect.read_answer(response) == given


def test_date_is_the_clocks_where_the_provider_gave_none(kit):
    """
    Every response has a date.
    """
    doc = written(kit)

    assert doc["created_at"] == doc["completed_at"] == 1_763_600_000.5


@pytest.mark.parametrize(
    ("reason", "status", "last"),
    [
        ("end", "completed", "completed"),
        ("length", "incomplete", "incomplete"),
        ("error", "failed", "incomplete"),
    ],
)
def test_last_item_of_an_incomplete_answer(kit, reason, status, last):
    """
    The item at which the model was stopped says so.
    """
    doc = written(kit, *BLOCKS[:4], stop=Stop(reason=reason))

    kit.valid_response(doc)
    assert doc["status"] == status
    assert doc["output"][-1]["status"] == last
    assert doc["output"][1]["status"] == "completed"


def test_own_items_keep_ids_that_seals_depend_on(kit):
    """
    The vendor's encrypted content belongs to the id of its item.
    """
    seal = Seal(dialect="openai_responses", data="gAAAA", item_id="rs_9")

    (item,) = written(kit, ReasoningBlock(text="", seal=seal))["output"]

    assert (item["id"], item["encrypted_content"]) == ("rs_9", "gAAAA")


def test_hidden_reasoning_comes_back_hidden(kit):
    """
    What a provider redacted is not taken for reasoning without words on the way back.
    """
    block = ReasoningBlock(
        is_redacted=True, seal=Seal(dialect="anthropic_messages", data="hidden")
    )
    doc = written(kit, block)

    (read,) = kit.dialect.read_answer(kit.response(doc)).blocks

    assert read == block


def test_names_and_kinds_of_tools_are_the_callers(kit):
    """
    A call names the tool as the caller did, and is of the kind that the caller offered.
    """
    asked = kit.request(
        input="x",
        tools=[
            {"type": "function", "name": "files.read"},
            {"type": "custom", "name": "sql"},
        ],
    )

    doc = written(
        kit,
        ToolCall(id="1", name="files_read"),
        ToolCall(id="2", name="sql", arguments='{"input":"select 1"}'),
        asked=asked,
    )

    assert doc["output"][0]["name"] == "files.read"
    assert doc["output"][0]["arguments"] == "{}"
    assert (doc["output"][1]["type"], doc["output"][1]["input"]) == (
        "custom_tool_call",
        "select 1",
    )


@pytest.mark.parametrize(
    ("block", "loss"),
    [
        (Opaque(dialect="other", raw={"type": "bash"}), "bash=dropped"),
        (MediaBlock(kind="image", data="x"), "MediaBlock=dropped"),
        (TextBlock(text="x", annotations=[{"type": "page"}]), "annotations=dropped"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_losses(kit, block, loss):
    """
    What a response has no item for is recorded.
    """
    losses = Losses()

    written(kit, block, losses=losses)

    assert losses.header() == loss


def test_answer_without_usage(kit):
    """
    Where nothing is known of usage none is invented.
    """
    assert written(kit, TextBlock(text="x"))["usage"] is None
