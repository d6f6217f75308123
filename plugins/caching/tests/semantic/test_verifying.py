"""
Some hits are verified: the model is asked as well.
"""

from __future__ import annotations

import pytest

from gateway import Plugin, hookimpl
from gateway.plugins import FoundPlugin
from gateway.testing import Script
from gateway_caching.events import SimilarAnswersDiffered
from gateway_caching.semantic.verifying import likeness

ONE = "How do I reset my password?"
ALIKE = "Please tell me how to reset my password"


@pytest.fixture
def told():
    return []


@pytest.fixture
async def client(start_similar, told):
    class Listening(Plugin):
        @hookimpl
        def on_event(self, event):
            if isinstance(event, SimilarAnswersDiffered):
                told.append(event)

    listening = FoundPlugin(name="listening", cls=Listening)
    return await start_similar(listening, semantic={"verify": 1.0})


@pytest.mark.parametrize("is_stream", [False, True])
async def test_another_answer_is_told(
    client, ask, chat, fake_upstream, until, shelf_of, told, is_stream
):
    """
    Counted, and an event for the operator without a word of what was said.
    """
    fake_upstream.script("m", Script(text="click on the link"))
    await ask(client, chat(ONE, stream=is_stream))
    fake_upstream.script("m", Script(text="it cannot be done any more"))

    again = await ask(client, chat(ALIKE, stream=is_stream))
    await until(lambda: told)

    assert again.cache == "hit"
    assert b"cannot" not in again.body
    assert shelf_of(client).tally.disagreed == shelf_of(client).tally.verified == 1
    (day,) = (await client.ask("GET", "/api/cache/stats")).json["days"]
    assert (day["verified"], day["disagreed"]) == (1, 1)
    assert told[0].likeness < 0.5 < told[0].similarity
    assert "password" not in repr(told[0])


async def test_the_same_answer_is_counted_alone(
    client, ask, chat, fake_upstream, until, shelf_of, told
):
    """
    Nothing is wrong with it.
    """
    fake_upstream.script("m", Script(text="click on the link"))
    await ask(client, chat(ONE))

    await ask(client, chat(ALIKE))
    await until(lambda: shelf_of(client).tally.verified)

    assert shelf_of(client).tally.disagreed == 0
    assert told == []


async def test_nobody_waits_for_it(client, ask, chat, fake_upstream, until, shelf_of):
    """
    The hit is there while the model still thinks, and a failure of it is nobody's.
    """
    await ask(client, chat(ONE))
    fake_upstream.script("m", Script(silent=True))

    again = await ask(client, chat(ALIKE))

    assert (again.status, again.cache) == (200, "hit")
    assert shelf_of(client).tally.verified == 0


@pytest.mark.parametrize(("draw", "asked"), [(0.0, 1), (0.29, 1), (0.3, 0), (0.99, 0)])
async def test_a_share_of_the_hits_is_verified(
    start_similar, ask, chat, fake_upstream, until, shelf_of, draw, asked
):
    """
    As many as chance has it.
    """
    client = await start_similar(semantic={"verify": 0.3})
    shelf_of(client).verifier.chance = lambda: draw
    await ask(client, chat(ONE))
    before = len(list(fake_upstream.requests))

    await ask(client, chat(ALIKE))
    await until(lambda: not len(shelf_of(client).verifier._tasks))

    assert len(list(fake_upstream.requests)) - before == asked


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("a b c", "C, B, a!", 1.0),
        ("a b", "c d", 0.0),
        ("a b c d", "a b x y", 0.5),
        ("", "", 1.0),
        ("a", "", 0.0),
    ],
)
def test_answers_are_as_alike_as_their_words(one, other, alike):
    """
    However they are ordered and written.
    """
    assert likeness(one, other) == alike
