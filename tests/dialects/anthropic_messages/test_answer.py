"""
Whole answers, read and written; the SDK reads what is written.
"""

from __future__ import annotations

import json

import pytest
from anthropic.types import Message

from gateway.dialects.tool_names import ToolNames
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

OWN = "anthropic_messages"


@pytest.fixture
def write(kit):
    def write_blocks(*blocks, asked=None, **fields):
        fields.setdefault("stop", Stop(reason="end"))
        answer = Answer(id="x_1", model="m", blocks=list(blocks), **fields)
        losses = Losses()
        response = kit.dialect.write_answer(answer, asked or kit.asked(), losses)
        assert response.status == 200
        Message.model_validate(response.doc)
        return response.doc, losses.header()

    return write_blocks


def test_rich_answer_is_read(kit):
    """
    Blocks, stop and usage of a rich answer have their neutral places.
    """
    answer = kit.dialect.read_answer(kit.response(kit.example("response")))

    assert (answer.id, answer.model) == ("msg_1", "claude-sonnet-5")
    assert answer.blocks[:2] == [
        ReasoningBlock(text="Hm.", seal=Seal(dialect=OWN, data="c2lnbmVk")),
        ReasoningBlock(is_redacted=True, seal=Seal(dialect=OWN, data="aGlkZGVu")),
    ]
    assert answer.blocks[2].text == "It is cold."
    assert answer.blocks[2].annotations[0]["type"] == "page_location"
    assert [type(block) for block in answer.blocks[3:10]] == [Opaque] * 7
    assert answer.blocks[10:] == [
        ToolCall(id="toolu_1", name="get_weather", arguments='{"city":"Oslo"}'),
        ToolCall(id="toolu_2", name="get_time", arguments="{}"),
    ]
    assert (answer.stop.reason, answer.stop.raw) == ("tool", "tool_use")
    assert answer.usage == Usage(
        input=100,
        cache_read=20,
        cache_write_5m=10,
        cache_write_1h=20,
        output=35,
        reasoning=15,
        server_tool_calls=(("web_search", 1),),
        service_tier="default",
        region="eu",
    )
    assert answer.service_tier == "default"


@pytest.mark.parametrize(
    "doc",
    [{}, {"content": "x"}, {"content": [7, {"type": "text", "text": 7}]}, {"id": 3}],
    ids=["empty", "string", "broken blocks", "id"],
)
def test_broken_answers_are_read_as_far_as_they_go(kit, doc):
    """
    A provider that breaks its own format breaks nothing here.
    """
    answer = kit.dialect.read_answer(kit.response(doc))

    assert answer.stop.reason == "unknown"
    assert all(isinstance(block, Opaque) for block in answer.blocks)


def test_rich_answer_comes_back_as_it_was(kit):
    """
    Read and written again a rich answer says the same.
    """
    example = kit.example("response")
    losses = Losses()

    answer = kit.dialect.read_answer(kit.response(example))
    again = kit.dialect.write_answer(answer, kit.asked(), losses).doc

    del example["content"][10]["toolset_name"]
    assert again["content"] == example["content"]
    assert again["stop_reason"] == "tool_use"
    assert {k: v for k, v in again["usage"].items() if k in example["usage"]} == {
        k: v for k, v in example["usage"].items() if k in again["usage"]
    }
    assert losses.found == []


def test_sdk_reads_what_is_written(kit, write):
    """
    The official client takes a written answer for one of the vendor's own.
    """
    doc, _ = write(
        ReasoningBlock(text="Hm.", seal=Seal(dialect="openai_responses", data="g")),
        TextBlock(text="Hello"),
        ToolCall(id="call_1", name="go", arguments='{"x": [1, 2]}'),
        ToolCall(id="call_2", name="stop"),
        usage=Usage(input=3, cache_read=2, output=5, reasoning=1),
    )

    message = kit.create(json.dumps(doc).encode())

    assert [block.type for block in message.content] == [
        *("thinking", "text", "tool_use", "tool_use"),
    ]
    assert message.content[2].input == {"x": [1, 2]}
    assert message.content[3].input == {}
    assert message.stop_reason == "tool_use"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (3, 6)
    assert message.usage.cache_read_input_tokens == 2


def test_names_are_the_callers_again(kit, write):
    """
    A call names the tool as the caller did, though the provider was told another name.
    """
    name = "mcp__" + "x" * 90
    told = ToolNames([name], longest=64)[name]

    doc, _ = write(ToolCall(id="c", name=told), asked=kit.asked(name))

    assert told != name
    assert doc["content"][0]["name"] == name


def test_calls_without_ids_get_one_each(write):
    """
    A caller needs an id to send the result for.
    """
    doc, _ = write(ToolCall(id="", name="go"), ToolCall(id="", name="go"))

    assert [block["id"] for block in doc["content"]] == ["x_1_0", "x_1_1"]


@pytest.mark.parametrize(
    ("block", "docs", "lost"),
    [
        (TextBlock(text=""), [], ""),
        (RefusalBlock(text="No."), [{"type": "text", "text": "No."}], ""),
        (ReasoningBlock(), [], ""),
        (
            ReasoningBlock(text="Hm."),
            [{"type": "thinking", "thinking": "Hm.", "signature": ""}],
            "",
        ),
        (ReasoningBlock(is_redacted=True), [], ""),
        (MediaBlock(kind="audio", data="x"), [], "content.MediaBlock=dropped"),
        (
            Opaque(dialect="openai_responses", raw={"type": "web_search_call"}),
            [],
            "content.web_search_call=dropped",
        ),
        (
            ToolCall(id="c", name="go", arguments="oops"),
            [{"type": "tool_use", "id": "c", "name": "go", "input": {"_raw": "oops"}}],
            "tool_use.input=changed",
        ),
        (
            ToolCall(id="c", name="go", arguments="words", kind="custom"),
            [
                {
                    "type": "tool_use",
                    "id": "c",
                    "name": "go",
                    "input": {"input": "words"},
                }
            ],
            "",
        ),
    ],
    ids=[
        *("empty", "refusal", "no reasoning", "unsigned", "redacted by nobody"),
        *("audio", "hosted tool", "broken arguments", "custom tool"),
    ],
)
def test_blocks_of_answers_are_written(write, block, docs, lost):
    """
    Each block is written as Anthropic would, and what cannot be is on the record.
    """
    doc, found = write(block)

    assert (doc["content"], found) == (docs, lost)


def test_refusal_is_why_it_stopped(write):
    """
    The model's own words of refusal are a refusal at Anthropic's.
    """
    doc, _ = write(RefusalBlock(text="No."))

    assert doc["stop_reason"] == "refusal"


def test_seal_of_another_vendor_travels_and_comes_back(kit, write):
    """
    What the caller sends back leads to the other vendor's seal again.
    """
    seal = Seal(dialect="openai_responses", data="gAAA", item_id="rs_1")
    doc, _ = write(ReasoningBlock(text="Hm.", is_summary=True, seal=seal))

    ask, _ = kit.read({"messages": [{"role": "assistant", "content": doc["content"]}]})

    assert ask.turns[0].blocks == [
        ReasoningBlock(text="Hm.", is_summary=True, seal=seal)
    ]


@pytest.mark.parametrize(
    "annotation",
    [
        {
            "type": "url_citation",
            "url": "https://x",
            "title": "X",
            "start_index": 3,
            "end_index": 8,
        },
        {
            "type": "url_citation",
            "url_citation": {
                "url": "https://x",
                "title": "X",
                "start_index": 3,
                "end_index": 8,
            },
        },
    ],
    ids=["flat", "nested"],
)
def test_links_become_citations(write, annotation):
    """
    A link of OpenAI's search is a citation of a search at Anthropic's.
    """
    doc, lost = write(TextBlock(text="So: words.", annotations=[annotation]))

    assert doc["content"][0]["citations"] == [
        {
            "type": "web_search_result_location",
            "url": "https://x",
            "title": "X",
            "cited_text": " word",
            "encrypted_index": "",
        }
    ]
    assert lost == "annotations=emulated"


def test_other_annotations_are_dropped(write):
    """
    A citation of a file that only OpenAI has leads nowhere.
    """
    doc, lost = write(TextBlock(text="x", annotations=[{"type": "file_citation"}]))

    assert "citations" not in doc["content"][0]
    assert lost == "annotations=dropped"


def test_answer_shares_nothing_with_the_providers(kit):
    """
    Editing what goes to the caller leaves the provider's document alone.
    """
    raw = {"type": "web_search_tool_result", "content": [{"title": "before"}]}
    answer = Answer(id="x", model="m", blocks=[Opaque(dialect=OWN, raw=raw)])

    response = kit.dialect.write_answer(answer, kit.asked(), Losses())
    for text in response.texts():
        if text.value == "before":
            text.replace("after")

    assert raw["content"] == [{"title": "before"}]
    assert b"after" in response.encode()
