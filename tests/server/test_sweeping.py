"""
Garbage that long exchanges leave behind.
"""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from gateway.server.sweeping import SWEPT_BYTES, Sweeper
from gateway.testing import make_exchange

LONG = "word " * (SWEPT_BYTES // 50)


class Remembers:
    """
    What a plugin keeps on an exchange, and keeps the exchange.
    """

    def __init__(self, exchange):
        self.exchange = exchange


def ended(words):
    """
    An exchange of which a part keeps the whole.
    """
    exchange = make_exchange(
        {"model": "m", "messages": [{"role": "user", "content": words}]}
    )
    exchange.stash["remembers"] = remembers = Remembers(exchange)
    return exchange, weakref.ref(remembers)


@pytest.fixture(autouse=True)
def _collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def test_long_exchanges_are_swept_up_once_there_are_some_of_them():
    """
    So what they leave behind stays bounded, however late the collector comes by itself.
    """
    sweeper = Sweeper()
    left = []

    for _ in range(12):
        exchange, remembers = ended(LONG)
        sweeper.observe(exchange)
        left.append(remembers)
        del exchange
        await asyncio.sleep(0)

    assert sum(one() is not None for one in left) < 12


async def test_short_exchanges_are_left_to_the_collector():
    """
    There may be thousands a second of them.
    """
    sweeper = Sweeper()
    exchange, remembers = ended("hello")

    for _ in range(1000):
        sweeper.observe(exchange)
    del exchange
    await asyncio.sleep(0)

    assert remembers() is not None
