"""
Plugins made from another one that go wrong in one hook.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from gateway.filters import StreamFilter
from gateway.hookspecs import Plugin, hookimpl

__all__ = ["CANARY", "Planted", "failing", "failing_at_flush", "hanging"]

#: What a planted failure says, which nobody may see.
CANARY = "canary-in-an-exception"


class Planted(Exception):
    """
    A failure that was planted.
    """

    def __init__(self) -> None:
        super().__init__(CANARY)


def failing(plugin: type[Plugin], hook: str) -> type[Plugin]:
    """
    Return *plugin* with *hook* raising once it has done what it does.
    """
    inner = getattr(plugin, hook)
    if inspect.iscoroutinefunction(inner):

        async def fails(*arguments: Any) -> None:
            await inner(*arguments)
            raise Planted

        return _with(plugin, hook, fails)

    def fails_at_once(*arguments: Any) -> None:
        inner(*arguments)
        raise Planted

    return _with(plugin, hook, fails_at_once)


def hanging(plugin: type[Plugin], hook: str) -> type[Plugin]:
    """
    Return *plugin* with *hook*, which must be one that may wait, never ending.
    """

    async def hangs(*arguments: Any) -> None:
        await asyncio.get_running_loop().create_future()

    return _with(plugin, hook, hangs)


def failing_at_flush(plugin: type[Plugin]) -> type[Plugin]:
    """
    Return *plugin* with its filters failing when the stream has ended, before they let go.
    """
    inner: Callable[..., StreamFilter | None] = plugin.open_filter

    def opens(*arguments: Any) -> StreamFilter | None:
        opened = inner(*arguments)
        return None if opened is None else _FailsAtFlush(opened)

    return _with(plugin, "open_filter", opens)


class _FailsAtFlush(StreamFilter):
    def __init__(self, inner: StreamFilter) -> None:
        self._inner = inner
        self.holds_chunks = inner.holds_chunks

    async def feed(self, chunks: Any) -> Any:
        return await self._inner.feed(chunks)

    async def flush(self) -> Any:
        raise Planted

    async def close(self, outcome: Any) -> None:
        await self._inner.close(outcome)


def _with(plugin: type[Plugin], hook: str, body: Callable[..., Any]) -> type[Plugin]:
    """
    Subclass *plugin* with another *hook*, which has the arguments that the specification names.
    """
    names = list(inspect.signature(getattr(plugin, hook)).parameters)
    parameters = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        for name in names
    ]
    body.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    body.__name__ = hook
    return type(plugin.__name__, (plugin,), {hook: hookimpl(body)})
