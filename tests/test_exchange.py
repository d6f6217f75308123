from __future__ import annotations

import pytest

from gateway import Answer, Stash, StashKey
from gateway.testing import (
    ManualClock,
    make_attempt,
    make_exchange,
    make_response,
)


def test_a_stash_is_owned_by_who_has_the_key():
    """
    Two keys of one name are two places.
    """
    mine, other = StashKey[int]("x"), StashKey[int]("x")
    stash = Stash()

    stash[mine] = 3

    assert stash[mine] == 3
    assert mine in stash
    assert other not in stash
    assert stash.get(other) is None
    assert stash.get(other, 5) == 5
    del stash[mine]
    with pytest.raises(KeyError):
        stash[mine]


def test_an_answer_is_whole_or_chunks():
    """
    Both or neither is the plugin author's mistake, and said so.
    """
    with pytest.raises(ValueError, match="either"):
        Answer()
    with pytest.raises(ValueError, match="either"):
        Answer(response=make_response({}), chunks=_none())


async def _none():
    for _ in ():
        yield _


def test_an_exchange_knows_its_depth_and_attempts():
    """
    A nested call counts its parents; the last attempt is at hand.
    """
    parent = make_exchange()
    child = make_exchange(parent=parent)

    assert (parent.depth, child.depth) == (0, 1)
    assert parent.attempt is None
    attempt = make_attempt(parent)
    assert parent.attempt is attempt


def test_an_exchange_lasts_until_it_ends():
    """
    And longer while it goes on; when it ended is told in Unix seconds.
    """
    clock = ManualClock(now=500.0)
    exchange = make_exchange(clock=clock)
    clock.move(2.0)
    while_under_way = exchange.duration_s
    exchange.ended_at = clock.monotonic()
    clock.move(5.0)

    assert while_under_way == 2.0
    assert (exchange.duration_s, exchange.when_ended()) == (2.0, (502.0, 2.0))


async def test_forwarding_needs_a_gateway():
    """
    forward() and join() outside of a relayed exchange say what they are for.
    """
    exchange = make_exchange()

    with pytest.raises(RuntimeError, match="pre_request"):
        exchange.forward()
    with pytest.raises(RuntimeError, match="pre_request"):
        await exchange.join(None)


@pytest.mark.parametrize("ask", ["targets", "offers"])
def test_asking_the_router_needs_a_gateway(ask):
    """
    targets() and offers() say where they can be asked.
    """
    with pytest.raises(RuntimeError, match=rf"{ask}\(\) is for choose_targets"):
        getattr(make_exchange(), ask)("m")


def test_the_repr_shows_no_prompt_and_no_credential():
    """
    An exchange that ends in a log shows no text, nor a key in the query.
    """
    body = {"model": "m", "messages": [{"role": "user", "content": "canary"}]}

    assert "canary" not in repr(make_exchange(body, query="key=canary"))
