from __future__ import annotations

import re

import pytest

from gateway import neutral
from gateway.assembly import Collector, assemble, events_of
from gateway.testing import find_dialect, make_request
from gateway.usage import Usage

SEAL = neutral.Seal(dialect="anthropic_messages", data="c2ln")
LIKELY = {"token": "hi", "logprob": -0.5}
ANSWER = neutral.Answer(
    id="a1",
    model="m",
    created=7,
    blocks=[
        neutral.ReasoningBlock(text="hm", seal=SEAL),
        neutral.ReasoningBlock(text="ab", is_summary=True, parts=["a", "b"]),
        neutral.ReasoningBlock(is_redacted=True, seal=SEAL),
        neutral.TextBlock(
            text="hi", annotations=[{"type": "url_citation"}], logprobs=[LIKELY]
        ),
        neutral.RefusalBlock(text="no", logprobs=[LIKELY]),
        neutral.ToolCall(id="c1", name="f", arguments='{"a": 1}'),
        neutral.ToolCall(id="c2", name="g"),
        neutral.Opaque(dialect="openai_responses", raw={"type": "web_search_call"}),
    ],
    stop=neutral.Stop(reason="tool", raw="tool_use"),
    usage=Usage(input=3, output=4),
)


def test_an_answer_told_as_events_is_the_same_answer():
    """
    Taking a whole answer apart and putting it together loses nothing.
    """
    collector = Collector()

    for event in events_of(ANSWER):
        collector.take(event)

    assert collector.answer == ANSWER


def collected(events):
    collector = Collector()
    for event in events:
        collector.take(event)
    return collector.answer.blocks


def test_a_further_part_is_told_and_the_first_one_is_not():
    """
    Between the parts of a summary, and only there, an event says that a further one begins.
    """
    block = neutral.ReasoningBlock(text="abc", is_summary=True, parts=["a", "b", "c"])

    events = list(events_of(neutral.Answer(id="a", model="m", blocks=[block])))

    told = [type(event).__name__ for event in events[2:8]]
    assert told == ["Delta", "SummaryPart", "Delta", "SummaryPart", "Delta", "Close"]


def test_reasoning_of_one_part_has_no_parts():
    """
    A summary counts its parts only where there are several.
    """
    opened = neutral.Open(0, neutral.ReasoningBlock(is_summary=True))

    (one,) = collected([opened, neutral.Delta(0, "a"), neutral.Delta(0, "b")])
    assert (one.text, one.parts) == ("ab", [])


def test_the_first_part_is_what_was_told_before_the_second():
    """
    Readers say only where further parts begin, and the collector counts from the first.
    """
    opened = neutral.Open(0, neutral.ReasoningBlock(is_summary=True))
    deltas = [neutral.Delta(0, text) for text in "abcd"]

    events = [opened, *deltas[:2], neutral.SummaryPart(0), *deltas[2:]]

    (two,) = collected(events)
    assert (two.text, two.parts, two.paragraphs) == ("abcd", ["ab", "cd"], "ab\n\ncd")


SEALS = re.compile(rb'"(?:signature|data|encrypted_content)":"[^"]+"')
DIALECTS = ("openai_chat", "openai_responses", "anthropic_messages")


@pytest.mark.parametrize("owner", DIALECTS)
@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("is_redacted", [False, True], ids=["shown", "hidden"])
def test_a_seal_is_written_once_and_covers_its_words(name, owner, is_redacted):
    """
    A whole answer told as a stream says a signature once, and what is read of it is the same.
    """
    dialect = find_dialect(name)
    is_summary = owner == "openai_responses"
    block = neutral.ReasoningBlock(
        text="" if is_redacted else "hm",
        is_summary=is_summary,
        is_redacted=is_redacted and not is_summary,
        seal=neutral.Seal(
            dialect=owner, data="c2ln", item_id="rs_7" if is_summary else None
        ),
    )
    answer = neutral.Answer(id="a", model="m", blocks=[block])
    writer = dialect.stream_writer(make_request(dialect=name), neutral.Losses())
    chunks = [chunk for event in events_of(answer) for chunk in writer.write(event)]
    body = b"".join(chunk.encode() for chunk in chunks)
    reader = dialect.stream_reader()

    read = collected(event for chunk in chunks for event in reader.read(chunk))

    repeats = 2 if name == "openai_responses" else 1  # it ends with the whole response
    assert len(SEALS.findall(body)) == repeats
    assert [(one.text, one.is_redacted, one.seal) for one in read] == [
        (block.text, block.is_redacted, block.seal)
    ]


def test_an_item_that_was_sealed_begins_with_its_id():
    """
    OpenAI sealed the reasoning under the item's id, which is told when the item begins.
    """
    name = "openai_responses"
    seal = neutral.Seal(dialect=name, data="c2ln", item_id="rs_7")
    block = neutral.ReasoningBlock(text="hm", is_summary=True, seal=seal)
    answer = neutral.Answer(id="a", model="m", blocks=[block])
    writer = find_dialect(name).stream_writer(
        make_request(dialect=name), neutral.Losses()
    )

    docs = [chunk.doc for event in events_of(answer) for chunk in writer.write(event)]

    told = {doc["item_id"] for doc in docs if "item_id" in doc}
    told |= {doc["item"]["id"] for doc in docs if "item" in doc}
    assert told == {"rs_7"}


def test_a_failed_stream_keeps_its_fault():
    """
    What the provider reported in mid-stream is not lost in the collecting.
    """
    fault = neutral.Fault(status=500, kind="server", message="x")
    collector = Collector()

    collector.take(neutral.Failed(fault))

    assert collector.fault is fault


def test_a_stream_is_put_together_in_its_dialect():
    """
    Frames of a chat stream become the whole answer that it would have been.
    """
    asked = make_request()
    dialect = find_dialect("openai_chat")
    writer = dialect.stream_writer(asked, neutral.Losses())
    simple = neutral.Answer(
        id="a1",
        model="m",
        blocks=[neutral.TextBlock(text="hi")],
        stop=neutral.Stop(reason="end", raw="stop"),
    )
    frames = [
        chunk.encode() for event in events_of(simple) for chunk in writer.write(event)
    ]

    response = assemble(dialect, frames, asked)

    assert response is not None
    assert response.doc["choices"][0]["message"]["content"] == "hi"
    assert response.finish_reasons == ("stop",) or list(response.finish_reasons) == [
        "stop"
    ]


def test_what_cannot_be_put_together_is_none():
    """
    Frames that are no stream give no answer instead of half of one.
    """
    dialect = find_dialect("openai_chat")

    assert assemble(dialect, [b"data: {broken\n\n"], make_request()) is None
