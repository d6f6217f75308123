"""
Telling a kept answer in the way in which a caller asks.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

import attrs

from gateway import Answer, Chunk, Exchange
from gateway_caching.entries import Entry, Source

if TYPE_CHECKING:
    from gateway import Target

__all__ = [
    "Delivery",
    "as_asked",
    "delivered",
    "delivery_of",
    "may_deliver",
    "target_of",
]


#: Where the core tells of what it could not translate.
_LOSSES: Final = "x-gw-translation"


class Brought(Protocol):
    """
    How an answer was brought to who asked first: an entry, or a flight's `Delivery`.
    """

    @property
    def is_stream(self) -> bool: ...
    @property
    def delivery(self) -> Mapping[str, Any]: ...


@attrs.frozen(kw_only=True)
class Delivery:
    """
    How the caller of an exchange wants its answer brought.
    """

    is_stream: bool
    delivery: Mapping[str, Any]

    @classmethod
    def of(cls, exchange: Exchange) -> Self:
        """
        Read it from the request of *exchange*.
        """
        return cls(is_stream=exchange.request.is_stream, delivery=delivery_of(exchange))


def delivery_of(exchange: Exchange) -> dict[str, Any]:
    """
    Return how the caller of *exchange* wants a stream brought.
    """
    told = exchange.request.peek("stream_options")
    return {"stream_options": told if isinstance(told, dict) else {}}


def may_deliver(had: Brought, exchange: Exchange) -> bool:
    """
    Tell whether what was brought as *had* can be told in the way in which the caller asks.
    """
    if had.is_stream != exchange.request.is_stream:
        from gateway import Dialect

        # The core puts streams together, and takes whole answers apart, where it translates.
        return type(exchange.dialect).read_answer is not Dialect.read_answer
    if not had.is_stream:
        return True
    told, wants = _options(had.delivery), _options(delivery_of(exchange))
    asks_more = wants.pop("include_usage", False) and not told.get("include_usage")
    told.pop("include_usage", None)
    return not asks_more and told == wants


def delivered(entry: Entry, exchange: Exchange) -> Answer:
    """
    Return *entry* as the answer to *exchange*, which `may_deliver` allows.
    """
    if entry.losses and exchange.settings.server.translation == "warn":
        exchange.response_headers[_LOSSES] = entry.losses
    return as_asked(entry.answer(exchange.dialect), entry, exchange)


def as_asked(answer: Answer, had: Brought, exchange: Exchange) -> Answer:
    """
    Leave out of *answer*, brought as *had*, what the caller of *exchange* did not ask for.
    """
    if answer.chunks is None or not exchange.request.is_stream:
        return answer
    told, wants = _options(had.delivery), _options(delivery_of(exchange))
    if told.get("include_usage") and not wants.get("include_usage"):
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
