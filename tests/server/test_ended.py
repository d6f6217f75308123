"""
Tests of `gateway.server.ended`.
"""

from __future__ import annotations

import asyncio

import pytest

from gateway.exchange import LARGE_BYTES, Exchange
from gateway.server.ended import MOST_WAITING, WAIT_S, Ended
from gateway.testing import make_exchange


@pytest.fixture
def seen() -> list[Exchange]:
    return []


async def test_shows_several_at_a_time(seen: list[Exchange]) -> None:
    """
    Nothing is shown before enough wait; then each once, in order, to every observer.
    """
    also: list[Exchange] = []
    ended = Ended(seen.append, also.append)
    exchanges = [make_exchange() for _ in range(MOST_WAITING)]

    for exchange in exchanges[:-1]:
        ended.add(exchange)
    assert seen == []
    ended.add(exchanges[-1])
    ended.show()

    assert seen == also == exchanges


async def test_nobody_waits_for_long(seen: list[Exchange]) -> None:
    """
    A single exchange is shown soon, without another, and so is the next.
    """
    ended = Ended(seen.append)

    for number in range(2):
        ended.add(make_exchange())
        async with asyncio.timeout(10 * WAIT_S):
            while len(seen) == number:  # noqa: ASYNC110 - what is watched has no event
                await asyncio.sleep(0.001)

    assert len(seen) == 2


async def test_shows_what_waits_at_once_if_asked(seen: list[Exchange]) -> None:
    """
    Who looks at the counts, or stops, sees everything.
    """
    ended = Ended(seen.append)
    ended.add(make_exchange())

    ended.show()

    assert len(seen) == 1


async def test_a_large_one_does_not_wait(seen: list[Exchange]) -> None:
    """
    Long requests and answers are not kept in memory for the sake of others.
    """
    ended = Ended(seen.append)
    small, large = make_exchange(), make_exchange()
    large.bytes_sent = LARGE_BYTES

    ended.add(small)
    ended.add(large)

    assert seen == [small, large]
