"""
Following requests under way, whoever set out first and whatever becomes of it.
"""

from __future__ import annotations

import asyncio

import pytest

from gateway import NotAllowed, Phase, Plugin, hookimpl
from gateway.errors import BudgetExceeded
from gateway.plugins import FoundPlugin
from gateway.testing import Script

ASK = {
    "model": "openai/m",
    "temperature": 0,
    "messages": [{"role": "user", "content": "hello"}],
}
USAGE = {"stream": True, "stream_options": {"include_usage": True}}


class Purse(Plugin):
    """
    Finds that the key ``poor`` has nothing left, once the test lets it.
    """

    phase = Phase.GOVERN

    def __init__(self, settings):
        super().__init__(settings)
        self.may_look = asyncio.Event()

    @hookimpl
    async def before_attempt(self, exchange, attempt):
        if exchange.identity.key_id == "poor":
            await self.may_look.wait()
            raise BudgetExceeded("The key poor has nothing left.")


class Guest(Plugin):
    """
    Lets nobody but the key ``owner`` use the first choice.
    """

    phase = Phase.GOVERN

    @hookimpl
    async def before_attempt(self, exchange, attempt):
        is_owner = exchange.identity.key_id == "owner"
        if attempt.target.provider == "openai" and not is_owner:
            raise NotAllowed


@pytest.fixture
def plugin_of():
    """
    A function that finds a plugin in a client's gateway.
    """

    def found(client, cls):
        plugins = [each.plugin for each in client.gateway.hooks.plugins]
        return next(each for each in plugins if isinstance(each, cls))

    return found


async def test_the_refusal_of_who_flies_first_is_nobody_elses(
    start, ask, until, shelf_of, plugin_of
):
    """
    The others of its team fly for themselves, with one call, and hear nothing of its key.
    """
    purse = FoundPlugin(name="purse", cls=Purse)
    client = await start(purse, store="memory", partition="team")
    poor = asyncio.ensure_future(ask(client, x_key="poor", x_team="t"))
    await until(lambda: len(shelf_of(client).flights))
    (flight,) = shelf_of(client).flights._flights.values()
    others = [
        asyncio.ensure_future(ask(client, x_key=f"rich {at}", x_team="t"))
        for at in range(5)
    ]
    await until(lambda: flight._waiting == 6)
    plugin_of(client, Purse).may_look.set()

    answers = await asyncio.gather(*others)

    assert (await poor).status == 402
    assert [each.status for each in answers] == [200] * 5
    assert sum(each.cache == "miss" for each in answers) == 1


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [({"stream": True}, USAGE, 1), (USAGE, {"stream": True}, 0)],
    ids=["asks", "does not ask"],
)
async def test_who_follows_a_stream_gets_the_usage_that_it_asks_for(
    start, ask, fake_upstream, until, shelf_of, first, second, count
):
    """
    Neither none where it asks, nor one where it does not, whatever the first caller wants.
    """
    fake_upstream.script("m", Script(text="hello", latency_ms=300))
    client = await start(store="memory")
    flying = asyncio.ensure_future(ask(client, {**ASK, **first}))
    await until(lambda: len(shelf_of(client).flights))

    follower = await ask(client, {**ASK, **second})

    told = [event for event in follower.events() if isinstance(event, dict)]
    assert sum(bool(event.get("usage")) for event in told) == count
    assert (await flying).status == 200


@pytest.mark.parametrize("store", ["memory", "sqlite"])
async def test_repeats_that_come_at_once_are_one_call(start, ask, fake_upstream, store):
    """
    However long the store takes to say that it knows none of them.
    """
    fake_upstream.script("m", Script(text="hello", latency_ms=200))
    client = await start(store=store, default={"enabled": False})

    answers = await asyncio.gather(
        *(ask(client, ASK, idempotency_key="one") for _ in range(10)),
        ask(client, {**ASK, "seed": 1}, idempotency_key="one"),
    )

    assert sorted(each.status for each in answers) == [200] * 10 + [409]
    assert len(list(fake_upstream.requests)) == 1


async def test_nobody_falls_between_the_end_of_a_flight_and_its_keeping(
    start, ask, fake_upstream, until, shelf_of, monkeypatch
):
    """
    A store that takes its time: who comes meanwhile follows the flight that is over.
    """
    client = await start(store="memory")
    shelf = shelf_of(client)
    may_keep, keep = asyncio.Event(), shelf.pantry.keep

    async def slow(*args, **told):
        await may_keep.wait()
        return await keep(*args, **told)

    monkeypatch.setattr(type(shelf.pantry), "keep", lambda _, *a, **t: slow(*a, **t))
    first = await ask(client)

    second = await ask(client)
    may_keep.set()
    await until(lambda: not len(shelf.flights))

    assert (first.cache, second.cache) == ("miss", "joined")
    assert second.json == first.json
    assert (await ask(client)).cache == "hit"


async def test_a_hit_is_given_before_it_is_kept_for_repeats(
    start, ask, until, shelf_of, monkeypatch
):
    """
    What is given is charged; who left while a slow store wrote would have had it for nothing.
    """
    client = await start(store="memory")
    shelf = shelf_of(client)
    await ask(client)
    await until(lambda: not len(shelf.flights))
    may_keep, keep = asyncio.Event(), shelf.pantry.keep

    async def slow(*args, **told):
        await may_keep.wait()
        return await keep(*args, **told)

    monkeypatch.setattr(type(shelf.pantry), "keep", lambda _, *a, **t: slow(*a, **t))

    async with asyncio.timeout(5):
        hit = await ask(client, idempotency_key="one")

    may_keep.set()
    await until(lambda: not len(shelf.flights._tasks))
    again = await ask(client, idempotency_key="one")
    assert hit.cache == "hit"
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_repeat_that_followed_others_is_a_repeat_afterwards(
    start, ask, fake_upstream, until, shelf_of
):
    """
    Its answer is kept for its own word too, though another key made the call.
    """
    fake_upstream.script("m", Script(text="hello", latency_ms=300))
    client = await start(store="memory", partition="team")
    flying = asyncio.ensure_future(ask(client, x_key="a", x_team="t"))
    await until(lambda: len(shelf_of(client).flights))
    told = {"x_key": "b", "x_team": "t", "idempotency_key": "one"}
    follower = await ask(client, **told)
    await flying
    await until(lambda: not len(shelf_of(client).flights))

    again = await ask(client, **told)

    assert follower.cache == "joined"
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json == follower.json


@pytest.mark.parametrize("at_once", [True, False], ids=["joined", "hit"])
async def test_who_may_not_use_who_answered_another_asks_its_own(
    start, ask, fake_upstream, until, shelf_of, at_once
):
    """
    What a colleague was told by one provider shuts nobody out from another.
    """
    fake_upstream.script("m", Script(text="hello", latency_ms=300 if at_once else 0))
    guest_house = FoundPlugin(name="guest", cls=Guest)
    client = await start(guest_house, store="memory", partition="team")
    document = {**ASK, "max_tokens": 50, "fallbacks": ["anthropic/m"]}
    owner = asyncio.ensure_future(ask(client, document, x_key="owner", x_team="t"))
    await until(lambda: len(shelf_of(client).flights) or owner.done())
    if not at_once:
        await owner

    guest = await ask(client, document, x_key="guest", x_team="t")

    assert (guest.status, guest.headers["x-gw-provider"]) == (200, "anthropic")
    assert (await owner).headers["x-gw-provider"] == "openai"
