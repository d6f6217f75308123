"""
``Idempotency-Key``: a request that is sent again is answered as it was the first time.

The word is the caller's, and its own: within one virtual key.  Sent again with another body it is
a mistake, and told to be one.  Source: IETF draft "The Idempotency-Key HTTP Header Field".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs
import orjson

from gateway import Answer, Exchange, Refused
from gateway.errors import InvalidRequest
from gateway_caching.delivering import delivered, target_of
from gateway_caching.entries import Entry
from gateway_caching.flying import Flights, ended_well
from gateway_caching.keys import (
    Keys,
    canonical,
    credential,
    forwarded,
    partition_of,
)
from gateway_caching.pantry import Pantry, entry_of
from gateway_caching.settings import IdempotencySettings
from gateway_caching.storable import edits_for

if TYPE_CHECKING:
    from gateway import Flight

__all__ = ["HEADER", "Conflict", "Repeats"]

HEADER: Final = "Idempotency-Key"
#: Says that an answer is not new, as other services that know the header say it.
REPLAYED: Final = "Idempotent-Replayed"
_MAX_CHARACTERS: Final = 255


class Conflict(Refused):
    """
    The word was sent before, with another request.
    """

    status: ClassVar[int] = 409
    code: ClassVar[str] = "idempotency_conflict"
    sentence: ClassVar[str] = (
        "This Idempotency-Key was used with another request; use a new one."
    )

    # The vendors' SDKs would ask twice again, as after any 409.
    headers: Mapping[str, str] = MappingProxyType({"x-should-retry": "false"})


@attrs.frozen(kw_only=True)
class Repeat:
    """
    One request that may be a repeat.

    Attributes:
        name: What its answer is kept under.
        partition: Whose it is.
        fingerprint: Hash of all that it says.
        tags: By which its answer is purged, as the one in the cache is.
    """

    name: str
    partition: str
    fingerprint: str
    tags: tuple[str, ...] = ()


@attrs.define(eq=False, kw_only=True)
class Repeats:
    """
    Answers repeats.
    """

    settings: IdempotencySettings
    keys: Keys
    pantry: Pantry
    flights: Flights

    def read(self, exchange: Exchange) -> Repeat | None:
        """
        Return what the header of *exchange* says; None if it has none.

        Raises:
            InvalidRequest: 400, it is empty or too long.
        """
        word = exchange.headers.get(HEADER)
        if word is None or not self.settings.enabled:
            return None
        if not 0 < len(word) <= _MAX_CHARACTERS:
            msg = f"The header {HEADER} has 1 to {_MAX_CHARACTERS} characters."
            raise InvalidRequest(msg)
        owner = partition_of(exchange, "key")
        return Repeat(
            name=self.keys.hashed("repeat", owner, credential(exchange), word),
            partition=self.keys.hashed("repeats of", owner),
            fingerprint=self._fingerprint(exchange),
        )

    async def answer(self, exchange: Exchange, repeat: Repeat) -> Answer | None:
        """
        Answer a repeat; None if it is the first of its name.

        Raises:
            Conflict: 409, it says something else than the first did.
        """
        answer = await self.follow(exchange, repeat)
        if answer is not None:
            return answer
        entry = await self.pantry.find(repeat.name, repeat.partition)
        if entry is None:
            return None
        self._check(repeat, entry.delivery.get("fingerprint"))
        await exchange.answered_by(target_of(entry.source))
        exchange.response_headers[REPLAYED] = "true"
        exchange.explain("repeats a request")
        return delivered(entry, exchange)

    async def follow(self, exchange: Exchange, repeat: Repeat) -> Answer | None:
        """
        Follow the first of its name while that is under way; None, without waiting, if none is.

        Raises:
            Conflict: 409, it says something else than the first did.
        """

        def is_same(flight: Flight) -> bool:
            self._check(repeat, self._fingerprint(flight.exchange))
            return True

        found = await self.flights.follow(repeat.name, exchange, is_same)
        if found is None:
            return None
        exchange.response_headers[REPLAYED] = "true"
        exchange.explain("repeats a request under way")
        return found[0]

    def watched(
        self,
        exchange: Exchange,
        repeat: Repeat,
        keep: Callable[[Flight], Awaitable[None]],
    ) -> Callable[[Flight], Awaitable[None]]:
        """
        Return *keep*, which then keeps the answer for repeats as well.
        """

        async def both(flight: Flight) -> None:
            await keep(flight)
            if ended_well(flight):
                await self._keep(exchange, flight, repeat)

        return both

    async def keep_entry(
        self, repeat: Repeat, entry: Entry, model: str, *, mark: int
    ) -> None:
        """
        Keep an answer that came from the cache for repeats; *mark* as in `Pantry.keep`.
        """
        now = self.pantry.clock.now()
        told: dict[str, Any] = {**entry.delivery, "fingerprint": repeat.fingerprint}
        kept = attrs.evolve(
            entry,
            delivery=told,
            tags=repeat.tags,
            created_at=now,
            expires_at=now + self.settings.ttl_s,
        )
        await self.pantry.keep(
            kept,
            exact=repeat.name,
            partition=repeat.partition,
            model=model,
            mark=mark,
        )

    async def _keep(self, exchange: Exchange, flight: Flight, repeat: Repeat) -> None:
        now = self.pantry.clock.now()
        edits = edits_for(flight, self.keys)
        ttl_s = self.settings.ttl_s
        entry = entry_of(exchange, flight, now=now, ttl_s=ttl_s, edits=edits)
        mark = self.flights.mark_of(flight)
        await self.keep_entry(repeat, entry, exchange.request.model, mark=mark)

    def _fingerprint(self, exchange: Exchange) -> str:
        request = exchange.request
        return self.keys.hashed(
            "request",
            exchange.dialect.name,
            exchange.operation,
            forwarded(exchange),
            canonical(request.members),
            orjson.dumps(request.is_stream),
            canonical({"o": request.peek("stream_options")}),
        )

    def _check(self, repeat: Repeat, fingerprint: object) -> None:
        if fingerprint != repeat.fingerprint:
            raise Conflict
