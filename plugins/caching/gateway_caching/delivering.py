"""
Telling a kept answer in the way in which a caller asks.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gateway import Answer, Chunk, Exchange
from gateway_caching.entries import Entry, Source

if TYPE_CHECKING:
    from gateway import Target

__all__ = ["delivered", "delivery_of", "may_deliver", "target_of"]


def delivery_of(exchange: Exchange) -> dict[str, Any]:
    """
    Return how the caller of *exchange* wants a stream brought.
    """
    told = exchange.request.peek("stream_options")
    return {"stream_options": told if isinstance(told, dict) else {}}


def may_deliver(entry: Entry, exchange: Exchange) -> bool:
    """
    Tell whether *entry* can be told in the way in which the caller asks.
    """
    if entry.is_stream != exchange.request.is_stream:
        from gateway import Dialect

        # The core puts streams together, and takes whole answers apart, where it translates.
        return type(exchange.dialect).read_answer is not Dialect.read_answer
    if not entry.is_stream:
        return True
    had, wants = _options(entry.delivery), _options(delivery_of(exchange))
    asks_more = wants.pop("include_usage", False) and not had.get("include_usage")
    had.pop("include_usage", None)
    return not asks_more and had == wants


def delivered(entry: Entry, exchange: Exchange) -> Answer:
    """
    Return *entry* as the answer to *exchange*, which `may_deliver` allows.
    """
    answer = entry.answer(exchange.dialect)
    if answer.chunks is None or not exchange.request.is_stream:
        return answer
    had, wants = _options(entry.delivery), _options(delivery_of(exchange))
    if had.get("include_usage") and not wants.get("include_usage"):
        return Answer(chunks=_without_usage(answer.chunks))
    return answer


@lru_cache(1024)
def target_of(source: Source) -> Target:
    """
    Return who gave the answer, as a target that can be authorised.
    """
    from gateway import Target

    return Target(
        provider=source.provider,
        model=source.model,
        dialect=source.dialect,
        key=source.key,
        source="cache",
    )


async def _without_usage(chunks: AsyncIterable[Chunk]) -> AsyncIterator[Chunk]:
    async for chunk in chunks:
        if not chunk.dialect.is_usage_only(chunk):
            yield chunk


def _options(delivery: Any) -> dict[str, Any]:
    return dict(delivery["stream_options"])
