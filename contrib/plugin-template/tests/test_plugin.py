"""
The hooks, called as the gateway calls them, and once through a gateway.
"""

from __future__ import annotations

import pytest

from gateway import Blocked
from gateway.testing import Script, make_exchange
from gateway_example import ExamplePlugin, ExampleSettings


def plugin(*words: str) -> ExamplePlugin:
    """
    Make the plugin with these words.
    """
    return ExamplePlugin(ExampleSettings(words=words))


def asking(text: str):
    """
    Make an exchange of a caller who asks *text*.
    """
    asked = {"model": "m", "messages": [{"role": "user", "content": text}]}
    return make_exchange(asked)


async def test_a_request_that_names_a_word_is_refused():
    """
    The error does not say which word it was.
    """
    with pytest.raises(Blocked) as refused:
        await plugin("bluebird").pre_request(asking("what is BLUEBIRD?"))

    assert "bluebird" not in str(refused.value).lower()


async def test_any_other_request_passes():
    """
    There is nothing to answer, and nothing to refuse.
    """
    assert await plugin("bluebird").pre_request(asking("what is a bird?")) is None


def test_without_words_no_answer_is_looked_at():
    """
    A stream that nobody looks into passes as it came.
    """
    assert plugin().open_filter(asking("hi"), None) is None


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_word_in_an_answer_is_masked(gateway_client, fake_upstream, is_stream):
    """
    Through a gateway and a vendor: in a whole answer and in a stream.
    """
    script = Script(pieces=("the blue", "bird sings"))
    fake_upstream.script("m", script)
    settings = {"example": {"words": ["bluebird"]}}
    client = await gateway_client(ExamplePlugin, plugins=settings)

    answer = await client.post(
        "/v1/chat/completions",
        {
            "model": "openai/m",
            "stream": is_stream,
            "messages": [{"role": "user", "content": "hi"}],
        },
    )

    assert answer.status == 200
    assert b"bluebird" not in answer.body
    assert b"[withheld]" in answer.body
