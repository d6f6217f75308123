"""
Plugins that go wrong in one hook, made from one that does not.
"""

from __future__ import annotations

import asyncio

import pytest

from gateway import Plugin, hookimpl
from gateway.exchange import Outcome
from gateway.filters import StreamFilter
from gateway.plugins import FoundPlugin, check_class
from gateway.testing import make_exchange
from gateway.testing.conformance.mutants import (
    Planted,
    failing,
    failing_at_flush,
    hanging,
)


class Noting(Plugin):
    def __init__(self, settings):
        super().__init__(settings)
        self.called = []

    @hookimpl
    async def pre_request(self, exchange):
        self.called.append("pre_request")

    @hookimpl
    def open_filter(self, exchange, attempt):
        return Closing(self.called)


class Closing(StreamFilter):
    holds_chunks = True

    def __init__(self, called):
        self._called = called

    async def close(self, outcome):
        self._called.append("close")


@pytest.mark.parametrize(
    "mutant",
    [
        failing(Noting, "pre_request"),
        failing(Noting, "open_filter"),
        hanging(Noting, "pre_request"),
        failing_at_flush(Noting),
    ],
)
def test_a_mutant_is_a_plugin_all_the_same(mutant):
    """
    Its hooks have the arguments and colours of their specifications.
    """
    assert check_class(FoundPlugin(name="x", cls=mutant)) == []


async def test_a_failing_hook_does_its_work_first():
    """
    What it changed is there when it fails.
    """
    plugin = failing(Noting, "pre_request")(None)

    with pytest.raises(Planted):
        await plugin.pre_request(make_exchange())

    assert plugin.called == ["pre_request"]


async def test_a_hanging_hook_waits_until_it_is_cancelled():
    """
    However long that takes.
    """
    plugin = hanging(Noting, "pre_request")(None)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await plugin.pre_request(make_exchange())


async def test_a_filter_that_fails_at_its_flush_is_still_closed():
    """
    It holds what the filter within it holds.
    """
    plugin = failing_at_flush(Noting)(None)
    opened = plugin.open_filter(make_exchange(), None)

    with pytest.raises(Planted):
        await opened.flush()
    await opened.close(Outcome.FAILED)

    assert opened.holds_chunks
    assert plugin.called == ["close"]
