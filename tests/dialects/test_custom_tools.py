"""
Custom tools toward providers that know functions only, and back.
"""

from __future__ import annotations

import pytest

from gateway import codec, neutral
from gateway.dialects.custom_tools import PARAMETERS, free_text, wrapped
from gateway.neutral import ToolCall
from gateway.testing import find_dialect, make_chunk, make_request, make_response
from gateway.translation import Translation

PATCH = '*** Begin Patch\n+say "hi"\n'
CUSTOM = {
    "openai_chat": {"type": "custom", "custom": {"name": "apply.patch"}},
    "openai_responses": {"type": "custom", "name": "apply.patch"},
}


@pytest.mark.parametrize(
    ("call", "arguments", "text"),
    [
        (ToolCall(id="1", name="c", kind="custom"), "as it is", "as it is"),
        (ToolCall(id="1", name="c"), '{"input":"free"}', "free"),
        (ToolCall(id="1", name="c"), '{"input":1}', '{"input":1}'),
        (ToolCall(id="1", name="c"), '{"input":"a","b":1}', '{"input":"a","b":1}'),
        (ToolCall(id="1", name="c"), "no json", "no json"),
    ],
    ids=["custom", "wrapped", "number", "more", "broken"],
)
def test_free_text(call, arguments, text):
    """
    The input of a custom tool is found in the function that stood for it.
    """
    assert free_text(call, arguments) == text


def test_what_is_wrapped_comes_out_again():
    """
    What the conversation tells of a call has the shape that the model is to give.
    """
    call = ToolCall(id="1", name="c")
    arguments = wrapped(PATCH)

    assert list(arguments) == PARAMETERS["required"]
    assert free_text(call, codec.dumps(arguments).decode()) == PATCH


class Limits:
    """
    What a catalog knows: nothing.
    """

    max_output_tokens = None
    takes_sampling = None
    reasons_adaptively = None


@pytest.fixture(params=list(CUSTOM))
def translation(request):
    """
    The exchange of a caller who offers a custom tool to Anthropic, begun.
    """
    plain = make_request(dialect=request.param).doc
    asked = make_request(
        {**plain, "tools": [CUSTOM[request.param]]}, dialect=request.param
    )
    translation = Translation(
        asked.dialect,
        find_dialect("anthropic_messages"),
        asked,
        losses=neutral.Losses(),
        now=lambda: 0.0,
    )
    sent = translation.request(Limits())
    assert sent.doc["tools"] == [{"name": "apply_patch", "input_schema": PARAMETERS}]
    return translation


USE = {"type": "tool_use", "id": "toolu_1", "name": "apply_patch", "input": {}}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [],
    "stop_reason": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
CALL = ToolCall(id="toolu_1", name="apply.patch", arguments=PATCH, kind="custom")


def test_a_whole_answer_calls_the_custom_tool(translation):
    """
    The caller is told that its custom tool is called, with the free text.
    """
    use = {**USE, "input": {"input": PATCH}}
    message = {**MESSAGE, "content": [use], "stop_reason": "tool_use"}
    told = translation.answer(make_response(message, dialect="anthropic_messages"))

    answer = told.dialect.read_answer(told)

    assert answer.blocks == [CALL]


def test_a_stream_calls_the_custom_tool(translation):
    """
    The same if the arguments come in pieces, wherever they are split.
    """
    source = codec.dumps({"input": PATCH}).decode()
    events = [
        {"type": "message_start", "message": MESSAGE},
        {"type": "content_block_start", "index": 0, "content_block": USE},
        *(
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "input_json_delta", "partial_json": letter},
            }
            for letter in source
        ),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use"},
            "usage": {"output_tokens": 9},
        },
        {"type": "message_stop"},
    ]
    frames = [
        b"event: %b\ndata: %b\n\n" % (event["type"].encode(), codec.dumps(event))
        for event in events
    ]
    translation.begin()
    chunks = translation.chunks(
        [make_chunk(frame, dialect="anthropic_messages") for frame in frames]
    )

    reader = chunks[0].dialect.stream_reader()
    told = [event for chunk in chunks for event in reader.read(chunk)]

    opened = [event.block for event in told if isinstance(event, neutral.Open)]
    assert [(block.name, block.kind) for block in opened] == [("apply.patch", "custom")]
    deltas = [event.text for event in told if isinstance(event, neutral.Delta)]
    assert deltas == [PATCH]
