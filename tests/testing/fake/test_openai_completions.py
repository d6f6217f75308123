"""
Legacy completions, judged by the SDK's own types.
"""

from __future__ import annotations

import pytest
from openai.types import Completion
from pydantic import TypeAdapter

from gateway.testing.fake.openai_completions import COMPLETIONS
from gateway.testing.fake.script import Script

COMPLETION = TypeAdapter(Completion)


def body(**fields):
    return {"model": "davinci", "prompt": "hello", **fields}


@pytest.mark.parametrize(
    "fields",
    [{}, {"n": 2}, {"logprobs": 2}, {"echo": True, "logprobs": 0}, {"max_tokens": 1}],
    ids=repr,
)
def test_answers_are_what_the_sdk_expects(whole, events, fields):
    """
    Whole answers validate; chunks do, but for the open finish reason.
    """
    COMPLETION.validate_python(whole(COMPLETIONS, body(**fields)))

    for chunk in events(COMPLETIONS, body(stream=True, **fields)):
        for choice in chunk["choices"]:
            choice["finish_reason"] = choice["finish_reason"] or "stop"
        COMPLETION.validate_python(chunk)


def test_several_prompts_have_choices_each(whole):
    """
    Prompts times n make the choices.
    """
    document = whole(COMPLETIONS, body(prompt=["a", "b"], n=2))

    assert [choice["index"] for choice in document["choices"]] == [0, 1, 2, 3]


def test_the_prompt_is_repeated_when_asked(whole, events):
    """
    With echo, the text begins with the prompt, whole and streamed.
    """
    document = whole(COMPLETIONS, body(echo=True))
    chunks = events(COMPLETIONS, body(echo=True, stream=True))

    assert document["choices"][0]["text"] == "helloecho: hello"
    assert "".join(c["choices"][0]["text"] for c in chunks) == "helloecho: hello"


def test_offsets_of_log_probabilities(whole):
    """
    Each token tells where it begins in the text.
    """
    document = whole(COMPLETIONS, body(logprobs=1), Script(pieces=("ab", "c")))

    assert document["choices"][0]["logprobs"] == {
        "tokens": ["ab", "c"],
        "token_logprobs": [-0.125, -0.125],
        "text_offset": [0, 2],
        "top_logprobs": [{"ab": -0.125}, {"c": -0.125}],
    }


def test_usage_is_a_chunk_of_its_own(events):
    """
    Usage comes when asked, with no choices.
    """
    asked = body(stream=True, stream_options={"include_usage": True})

    chunks = events(COMPLETIONS, asked)

    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["prompt_tokens"] == 2
    assert chunks[0]["usage"] is None


@pytest.mark.parametrize(
    ("prompt", "tokens"),
    [("abcdefgh", 2), ([1, 2, 3], 3), ([[1, 2], [3]], 3)],
    ids=repr,
)
def test_counts_prompts_of_every_kind(whole, prompt, tokens):
    """
    Token ids are counted one by one.
    """
    document = whole(COMPLETIONS, body(prompt=prompt))

    assert document["usage"]["prompt_tokens"] == tokens


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": None}, "prompt"),
        ({"n": 129}, "n"),
        ({"unheard": 1}, "unheard"),
        ({"stop": 5}, "stop"),
        ({"stop": ["a"] * 5}, "stop"),
    ],
    ids=repr,
)
def test_refuses(refusal, fields, param):
    """
    What cannot be answered is refused by its parameter.
    """
    assert refusal(COMPLETIONS.read, body(**fields)).param == param


def test_no_usage(whole):
    """
    A script can leave usage out.
    """
    assert "usage" not in whole(COMPLETIONS, body(), Script(no_usage=True))
