"""
Neutral events, written as Anthropic's stream; the SDK's accumulator is the judge.
"""

from __future__ import annotations

import json

import anthropic
import pytest
from anthropic.types import RawMessageStreamEvent
from pydantic import TypeAdapter

from gateway.neutral import (
    Annotation,
    Close,
    Delta,
    End,
    Failed,
    Fault,
    Finish,
    Opaque,
    Open,
    Ping,
    ReasoningBlock,
    RefusalBlock,
    Seal,
    SealDelta,
    Start,
    Stop,
    SummaryPart,
    TextBlock,
    ToolCall,
    Used,
)
from gateway.usage import Usage

EVENT = TypeAdapter(RawMessageStreamEvent)
START = Start("x_1", "m")
END = (Finish(Stop(reason="end", raw="stop")), Used(Usage(input=3, output=5)), End())
TEXT = (Open(0, TextBlock(text="")), Delta(0, "He"), Delta(0, "llo"), Close(0))


def docs_of(chunks):
    return [json.loads(chunk.encode().split(b"data: ", 1)[1]) for chunk in chunks]


def kinds_of(chunks):
    return [doc["type"] for doc in docs_of(chunks)]


@pytest.fixture
def final(kit):
    def accumulate(*events, asked=None):
        """
        Return what the SDK makes of the stream, every event of which it knows.
        """
        chunks, losses = kit.written([START, *events, *END], asked)
        for doc in docs_of(chunks):
            if doc["type"] != "ping":
                EVENT.validate_python(doc)
        message = kit.final([chunk.encode() for chunk in chunks])
        return message, losses.header()

    return accumulate


def test_text_is_written_as_it_comes(kit):
    """
    Each piece leaves at once; the outcome waits until all is known.
    """
    chunks, losses = kit.written([START, *TEXT, *END])

    assert kinds_of(chunks) == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert [chunk.event.decode() for chunk in chunks] == kinds_of(chunks)
    assert losses.found == []


def test_sdk_accumulates_text_and_usage(final):
    """
    The official client has the text, the reason and the usage.
    """
    message, _ = final(*TEXT)

    assert (message.id, message.model) == ("x_1", "m")
    assert message.content[0].text == "Hello"
    assert message.stop_reason == "end_turn"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (3, 5)


def test_usage_may_come_after_the_end(kit):
    """
    What was used is known last; it is told all the same.
    """
    finish, used, end = END

    early, _ = kit.written([START, *TEXT, used, finish, end])
    late, _ = kit.written([START, *TEXT, finish, used, end])

    assert docs_of(early) == docs_of(late)


def test_parallel_calls_are_written_one_after_another(final):
    """
    Pieces of calls that a provider mixes are sorted, since one block is open at a time.
    """
    message, _ = final(
        Open(0, ToolCall(id="c0", name="go")),
        Open(1, ToolCall(id="c1", name="stop")),
        Delta(1, '{"b"'),
        Delta(0, '{"a"'),
        Delta(1, ": 2}"),
        Delta(0, ": 1}"),
        Open(2, ToolCall(id="c2", name="turn")),
        Close(1),
        Close(0),
        Close(2),
    )

    assert [(b.id, b.input) for b in message.content] == [
        ("c0", {"a": 1}),
        ("c1", {"b": 2}),
        ("c2", {}),
    ]
    assert message.stop_reason == "tool_use"


def test_first_call_does_not_wait(kit):
    """
    The block whose turn it is leaves as it comes.
    """
    events = [START, Open(0, ToolCall(id="c0", name="go")), Delta(0, "{")]

    chunks, _ = kit.written(events)

    assert kinds_of(chunks)[1:] == ["content_block_start", "content_block_delta"]


@pytest.mark.parametrize("cut", range(1, 12))
def test_one_block_is_open_at_any_time(kit, cut):
    """
    However the pieces are mixed, blocks open and close one by one, numbered in order.
    """
    events = [
        Open(0, ReasoningBlock()),
        Delta(0, "Hm"),
        Open(1, TextBlock(text="")),
        Delta(1, "x"),
        Close(0),
        Open(2, ToolCall(id="c", name="go")),
        Open(3, ToolCall(id="d", name="go")),
        Delta(3, "{}"),
        Close(3),
        Delta(2, "{}"),
        Close(1),
        Close(2),
    ]
    chunks, _ = kit.written([START, *events[:cut], End()])

    is_open = None
    opened = []
    for doc in docs_of(chunks):
        if doc["type"] == "content_block_start":
            assert is_open is None
            is_open = doc["index"]
            opened.append(is_open)
        elif doc["type"].startswith("content_block"):
            assert doc["index"] == is_open
            is_open = is_open if doc["type"] == "content_block_delta" else None
        elif doc["type"] == "message_delta":
            assert is_open is None
    assert opened == list(range(len(opened)))


def test_reasoning_has_its_signature(final):
    """
    Thinking is followed by its seal, and a summary's parts stand apart.
    """
    seal = Seal(dialect="anthropic_messages", data="c2ln")

    message, _ = final(
        Open(0, ReasoningBlock()),
        SummaryPart(0),
        Delta(0, "One."),
        SummaryPart(0),
        Delta(0, "Two."),
        SealDelta(0, seal),
        Close(0),
        *(Open(1, TextBlock(text="")), Delta(1, "x"), Close(1)),
    )

    assert message.content[0].thinking == "One.\n\nTwo."
    assert message.content[0].signature == "c2ln"


def test_reasoning_that_is_only_sealed_is_kept(final):
    """
    A signature without words must come back, so it is sent.
    """
    message, _ = final(
        Open(0, ReasoningBlock()),
        SealDelta(0, Seal(dialect="openai_responses", data="gAAA", item_id="rs")),
        Close(0),
    )

    assert message.content[0].thinking == ""
    assert Seal.read("x", message.content[0].signature).item_id == "rs"


def test_redacted_reasoning_is_one_event(final):
    """
    Hidden reasoning stands in the start of its block, and nowhere without its data.
    """
    message, _ = final(
        Open(0, ReasoningBlock(is_redacted=True)),
        SealDelta(0, Seal(dialect="anthropic_messages", data="aGk")),
        Close(0),
        Open(1, ReasoningBlock(is_redacted=True)),
        Close(1),
    )

    (block,) = message.content
    assert (block.type, block.data) == ("redacted_thinking", "aGk")


def test_seal_that_comes_with_the_block_is_written(final):
    """
    A reader may know the seal when the block opens.
    """
    seal = Seal(dialect="anthropic_messages", data="aGk")

    message, _ = final(
        Open(0, ReasoningBlock(is_redacted=True, seal=seal)),
        Close(0),
        Open(1, ReasoningBlock(text="Hm.", seal=seal)),
        Close(1),
    )

    assert message.content[0].data == "aGk"
    assert (message.content[1].thinking, message.content[1].signature) == ("Hm.", "aGk")


def test_empty_blocks_are_not_opened(final):
    """
    A text that never came is no block, for it could not be sent back.
    """
    message, _ = final(
        *(Open(0, TextBlock(text="")), Close(0)),
        *(Open(1, ReasoningBlock()), Close(1)),
        *(Open(2, TextBlock(text="")), Delta(2, "x"), Close(2)),
    )

    assert [block.type for block in message.content] == ["text"]


def test_refusal_is_text_and_the_reason(final):
    """
    The model's words of refusal are text that ended as a refusal.
    """
    message, _ = final(Open(0, RefusalBlock(text="")), Delta(0, "No."), Close(0))

    assert message.content[0].text == "No."
    assert message.stop_reason == "refusal"


def test_names_are_the_callers(kit, final):
    """
    A call names the tool as the caller did.
    """
    message, _ = final(
        Open(0, ToolCall(id="c", name="a_b")), Close(0), asked=kit.asked("a.b")
    )

    assert message.content[0].name == "a.b"


def test_calls_without_ids_get_one_each(final):
    """
    A caller needs an id to send the result for.
    """
    message, _ = final(
        *(Open(0, ToolCall(id="", name="go")), Close(0)),
        *(Open(1, ToolCall(id="", name="go")), Close(1)),
    )

    assert [block.id for block in message.content] == ["x_1_0", "x_1_1"]


def test_free_text_of_a_custom_tool_is_valid_json(final):
    """
    The SDK reads arguments as JSON, so free text is the member of an object.
    """
    message, _ = final(
        Open(0, ToolCall(id="c", name="patch", kind="custom")),
        Delta(0, 'say "hi"\n'),
        Delta(0, "and go"),
        Close(0),
    )

    assert message.content[0].input == {"input": 'say "hi"\nand go'}


def test_citations_are_written(final):
    """
    The vendor's own citations and links are citations of the text, others are dropped.
    """
    own = {
        "type": "char_location",
        "cited_text": "x",
        "document_index": 0,
        "document_title": None,
        "start_char_index": 0,
        "end_char_index": 1,
    }
    message, lost = final(
        Open(0, TextBlock(text="")),
        Delta(0, "x"),
        Annotation(0, own),
        Annotation(0, {"type": "url_citation", "url": "https://x", "title": "X"}),
        Annotation(0, {"type": "file_citation"}),
        Close(0),
    )

    assert [c.type for c in message.content[0].citations] == [
        "char_location",
        "web_search_result_location",
    ]
    assert lost == "annotations=emulated, annotations=dropped"


def test_blocks_that_only_others_know_are_dropped(final):
    """
    Another vendor's hosted tool leaves no gap in the numbers.
    """
    own = {
        "type": "server_tool_use",
        "id": "s",
        "name": "web_search",
        "input": {"q": "x"},
    }
    message, lost = final(
        Open(0, Opaque(dialect="openai_responses", raw={"type": "web_search_call"})),
        Close(0),
        Open(1, Opaque(dialect="anthropic_messages", raw=own)),
        Close(1),
        *(Open(2, TextBlock(text="")), Delta(2, "x"), Close(2)),
    )

    assert [block.type for block in message.content] == ["server_tool_use", "text"]
    assert message.content[0].input == {"q": "x"}
    assert lost == "content.web_search_call=dropped"


def test_blocks_left_open_are_closed(kit):
    """
    A provider that forgets to end a block still gives a valid stream.
    """
    chunks, _ = kit.written(
        [
            START,
            Open(0, TextBlock(text="")),
            Delta(0, "x"),
            Open(1, ToolCall(id="c", name="go")),
            *END,
        ]
    )

    kinds = kinds_of(chunks)
    assert kinds.count("content_block_stop") == kinds.count("content_block_start") == 2


def test_stream_without_a_reason_is_no_good_end(kit):
    """
    An end without a finish is not told as a complete answer.
    """
    chunks, _ = kit.written([START, *TEXT, End()])

    assert docs_of(chunks)[-2]["delta"]["stop_reason"] == "refusal"


def test_message_is_started_even_if_nobody_said_so(kit):
    """
    A provider whose stream begins in the middle still gives a valid one.
    """
    chunks, _ = kit.written([*TEXT, *END])

    assert docs_of(chunks)[0]["message"]["model"] == "claude-asked"
    assert kit.final([chunk.encode() for chunk in chunks]).content[0].text == "Hello"


def test_ping_keeps_the_connection_alive(kit):
    """
    A ping is Anthropic's ping.
    """
    (_, ping), _ = kit.written([START, Ping()])

    assert ping.encode() == kit.dialect.ping


def test_failure_makes_the_sdk_raise(kit):
    """
    A provider's error in mid-stream is the vendor's error event.
    """
    fault = Fault(status=503, kind="overloaded", message="Too many.")
    chunks, _ = kit.written([START, *TEXT[:2], Failed(fault)])

    with pytest.raises(anthropic.APIStatusError) as caught:
        kit.final([chunk.encode() for chunk in chunks])

    assert caught.value.type == "overloaded_error"
    assert caught.value.api_message == "Too many."


def test_stream_comes_back_as_it_was(kit):
    """
    Read and written again a rich stream gives the SDK the same message.
    """
    example = kit.example("stream")
    before = kit.final([kit.frame(event) for event in example])

    chunks, losses = kit.written(kit.stream_events(example), kit.asked("get_weather"))
    after = kit.final([chunk.encode() for chunk in chunks])

    assert after.content == before.content
    assert after.stop_reason == before.stop_reason
    for key in ("input_tokens", "output_tokens", "cache_read_input_tokens"):
        assert getattr(after.usage, key) == getattr(before.usage, key)
    assert losses.found == []


def test_plain_stream_of_the_sdk_reads_it(kit):
    """
    The SDK's plain stream yields the events one by one.
    """
    chunks, _ = kit.written([START, Ping(), *TEXT, *END])
    body = b"".join(chunk.encode() for chunk in chunks)

    with kit.client(body, stream=True) as client:
        stream = client.messages.create(
            model="m",
            max_tokens=9,
            messages=[{"role": "user", "content": "x"}],
            stream=True,
        )
        kinds = [event.type for event in stream]

    assert kinds == [kind for kind in kinds_of(chunks) if kind != "ping"]


@pytest.mark.parametrize(
    "events",
    [
        (Open(0, TextBlock(text="")), SealDelta(0, Seal(dialect="x", data="y"))),
        (Open(0, ReasoningBlock(is_redacted=True)), Delta(0, "hidden")),
        (Delta(7, "of no block"), Close(7)),
        (START,),
    ],
    ids=["seal of a text", "words of hidden reasoning", "no block", "second start"],
)
def test_events_that_make_no_sense_write_nothing(kit, events):
    """
    What cannot be said of a block is not said.
    """
    chunks, _ = kit.written([START, *events])

    assert kinds_of(chunks) == ["message_start"]


def test_hosted_block_starts_a_message(kit):
    """
    A block opens the message even where it is the first event.
    """
    own = {"type": "container_upload", "file_id": "f"}

    chunks, _ = kit.written([Open(0, Opaque(dialect="anthropic_messages", raw=own))])

    assert kinds_of(chunks) == ["message_start", "content_block_start"]
