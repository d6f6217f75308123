"""
What makes two requests the same.
"""

from __future__ import annotations

import pytest

from gateway.providers.headers import ANTHROPIC_REQUEST, OPENAI_REQUEST
from gateway_caching.keys import FORWARDED

MESSAGES = {
    "model": "anthropic/m",
    "max_tokens": 50,
    "temperature": 0,
    "messages": [{"role": "user", "content": "hello"}],
}


@pytest.fixture
def callers(fake_upstream):
    """
    Settings of a provider that takes its callers' own credentials.
    """
    return {
        "anthropic": {
            "type": "anthropic-compatible",
            "base_url": fake_upstream.url,
            "auth": "caller",
        }
    }


def test_every_header_that_goes_to_a_provider_is_known():
    """
    But for the word of a repeat, which changes no answer.
    """
    sent = {*ANTHROPIC_REQUEST, *OPENAI_REQUEST} - {"idempotency-key"}

    assert sent == set(FORWARDED)


@pytest.mark.parametrize("name", FORWARDED)
async def test_what_a_header_tells_the_provider_is_part_of_the_request(
    start, ask, name
):
    """
    A beta may answer otherwise.
    """
    client = await start(store="memory")
    path, told = "/v1/messages", {name: "something-2026-01-01"}
    await ask(client, MESSAGES, path)

    other = await ask(client, MESSAGES, path, **told)
    again = await ask(client, MESSAGES, path, **told)

    assert (other.cache, again.cache) == ("miss", "hit")


async def test_a_repeat_with_another_beta_is_a_conflict(start, ask):
    """
    It is another request.
    """
    client = await start(store="memory")
    path = "/v1/messages"
    await ask(client, MESSAGES, path, idempotency_key="one")

    other = await ask(
        client, MESSAGES, path, idempotency_key="one", anthropic_beta="something"
    )

    assert other.status == 409


@pytest.mark.parametrize("word", [{}, {"idempotency_key": "one"}], ids=["", "repeat"])
async def test_who_brings_another_credential_gets_no_answer_of_it(
    start, ask, callers, word
):
    """
    Neither from the cache nor as a repeat: the provider, who knows it, is asked.
    """
    client = await start(store="memory", providers=callers)
    path = "/v1/messages"
    first = await ask(client, MESSAGES, path, x_api_key="mine", **word)

    again = await ask(client, MESSAGES, path, x_api_key="mine", **word)
    other = await ask(client, MESSAGES, path, x_api_key="yours", **word)
    none = await ask(client, MESSAGES, path, **word)

    assert (first.was_asked, again.was_asked) == (1, 0)
    assert other.was_asked == 1
    assert none.status == 401
