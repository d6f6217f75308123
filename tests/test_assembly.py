from __future__ import annotations

from gateway import neutral
from gateway.assembly import Collector, assemble, events_of
from gateway.testing import find_dialect, make_request
from gateway.usage import Usage

SEAL = neutral.Seal(dialect="anthropic_messages", data="c2ln")
ANSWER = neutral.Answer(
    id="a1",
    model="m",
    created=7,
    blocks=[
        neutral.ReasoningBlock(text="hm", seal=SEAL),
        neutral.ReasoningBlock(text="ab", is_summary=True, parts=["a", "b"]),
        neutral.ReasoningBlock(is_redacted=True, seal=SEAL),
        neutral.TextBlock(text="hi", annotations=[{"type": "url_citation"}]),
        neutral.RefusalBlock(text="no"),
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
