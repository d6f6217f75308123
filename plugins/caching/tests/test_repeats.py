"""
``Idempotency-Key``.
"""

from __future__ import annotations

import asyncio

import pytest

from gateway.testing import Script, ToolCall

ASK = {"model": "openai/m", "messages": [{"role": "user", "content": "hello"}]}


@pytest.mark.parametrize("store", ["memory", "sqlite"])
@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_repeat_is_answered_as_the_first_was(
    start, ask, fake_upstream, store, is_stream
):
    """
    Also a request that no cache would keep; the vendor is asked once.
    """
    fake_upstream.script("m", Script(tool_calls=(ToolCall(name="f"),)))
    client = await start(store=store)
    document = {
        **ASK,
        "stream": is_stream,
        "temperature": 1,
        "tools": [{"type": "function", "function": {"name": "f"}}],
    }

    first = await ask(client, document, idempotency_key="one")
    again = await ask(client, document, idempotency_key="one")
    other = await ask(client, document, idempotency_key="two")

    assert [each.was_asked for each in (first, again, other)] == [1, 0, 1]
    assert again.body == first.body
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"stream": True}, {"model": "openai/n"}], ids=str
)
async def test_another_request_under_the_same_word_is_a_conflict(start, ask, change):
    """
    It is told so, and no vendor is asked.
    """
    client = await start(store="memory")
    await ask(client, idempotency_key="one", document=ASK)

    answer = await ask(client, {**ASK, **change}, idempotency_key="one")

    assert (answer.status, answer.was_asked) == (409, 0)
    assert answer.headers["x-gw-code"] == "idempotency_conflict"
    assert answer.headers["x-should-retry"] == "false"


async def test_the_word_is_each_keys_own(start, ask):
    """
    Whatever the partition of the cache: a stranger's word leads nowhere.
    """
    client = await start(store="memory", partition="customer")
    await ask(client, ASK, idempotency_key="one", x_key="a", x_customer="c")

    stranger = await ask(client, ASK, idempotency_key="one", x_key="b", x_customer="c")

    assert (stranger.status, stranger.was_asked) == (200, 1)


async def test_a_repeat_of_what_is_under_way_follows_it(
    start, ask, fake_upstream, until, shelf_of
):
    """
    One call; another request under the same word is a conflict meanwhile too.
    """
    fake_upstream.script("m", Script(text="hello", latency_ms=300))
    client = await start(store="memory")
    first = asyncio.ensure_future(ask(client, ASK, idempotency_key="one"))
    await until(lambda: len(shelf_of(client).flights))

    again, other = await asyncio.gather(
        ask(client, ASK, idempotency_key="one"),
        ask(client, {**ASK, "seed": 1}, idempotency_key="one"),
    )

    assert (again.status, other.status) == (200, 409)
    assert again.json == (await first).json
    assert len(list(fake_upstream.requests)) == 1


async def test_a_failure_is_not_repeated(start, ask, fake_upstream):
    """
    Trying again is what the word is for.
    """
    fake_upstream.script("m", Script(status=500))
    client = await start(store="memory", default={"enabled": False})
    failed = await ask(client, ASK, idempotency_key="one")
    fake_upstream.script("m", Script(text="well"))

    again = await ask(client, ASK, idempotency_key="one")

    assert failed.status >= 500
    assert b"well" in again.body


@pytest.mark.parametrize("word", ["", "x" * 256])
async def test_a_word_of_no_length_or_any_is_refused(start, ask, word):
    """
    By the header's name.
    """
    client = await start(store="memory")

    answer = await ask(client, ASK, idempotency_key=word)

    assert (answer.status, answer.was_asked) == (400, 0)
    assert b"Idempotency-Key" in answer.body


async def test_it_can_be_switched_off(start, ask):
    """
    The header then means nothing.
    """
    client = await start(store="memory", idempotency={"enabled": False})

    answers = [await ask(client, ASK, idempotency_key="one") for _ in range(2)]

    assert [each.was_asked for each in answers] == [1, 1]
