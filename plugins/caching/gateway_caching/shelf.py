"""
The cache of one worker: what is looked up, what is filled, who follows whom.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

import attrs
import structlog

from gateway import Answer, Chunk, Dialect, Exchange, Gateway
from gateway.tasks import Tasks
from gateway_caching.entries import Entry, EntryUnreadable, Source
from gateway_caching.keys import Key, Keys
from gateway_caching.sealing import Sealer
from gateway_caching.settings import CachingSettings, ScopeSettings
from gateway_caching.storable import answer_fault, request_fault
from gateway_caching.stores import Record, Store, StoreDown
from gateway_caching.tally import Tally
from gateway_caching.wishes import Wish, read_wish

if TYPE_CHECKING:
    from gateway import Flight, Target

log = structlog.get_logger("gateway.caching")

STATUS: Final = "x-gw-cache"
_CLOSING_S: Final = 2.0


@attrs.frozen(kw_only=True)
class Errand:
    """
    One request that may be answered from the cache, or fill it.
    """

    exchange: Exchange
    key: Key
    wish: Wish
    scope: ScopeSettings


@attrs.define(eq=False, kw_only=True)
class Shelf:
    """
    Answers from what was kept, and keeps what is answered.

    Attributes:
        tally: What it saved so far.
    """

    gateway: Gateway
    settings: CachingSettings
    keys: Keys
    store: Store
    sealer: Sealer
    tally: Tally = attrs.field(factory=Tally)
    _flights: dict[str, Flight] = attrs.field(factory=dict, init=False)
    _tasks: Tasks = attrs.field(factory=Tasks, init=False)
    _is_down: bool = attrs.field(default=False, init=False)

    async def close(self) -> None:
        """
        Keep what is under way, then let go.
        """
        await self._tasks.join(_CLOSING_S)
        await self.store.close()

    # --- the way of one request -------------------------------------------------------------

    async def answer(self, exchange: Exchange) -> Answer | None:
        """
        Answer *exchange* from what was kept, or from a request under way, or fly for it.

        Returns:
            None where the cache has no business with it.

        Raises:
            Refused: The caller may not use who gave the answer.
        """
        errand = self._errand(exchange)
        if errand is None:
            return None
        if exchange.dry_run:
            await self._explain(errand)
            return None
        if errand.wish.reads:
            found = await self._find(errand)
            if found is not None:
                return await self._give(errand, found)
            flight = self._flights.get(errand.key.exact)
            if flight is not None and not flight.is_over:
                return await self._follow(errand, flight)
        return await self._fly(errand)

    def scope_of(self, exchange: Exchange) -> ScopeSettings:
        """
        Return how answers are kept for *exchange*: by its team, its model, or by default.
        """
        who = exchange.identity
        if who is not None and who.team_id is not None:
            of_team = self.settings.teams.get(who.team_id)
            if of_team is not None:
                return of_team
        model = exchange.request.model
        for pattern, scope in self.settings.models.items():
            if fnmatchcase(model, pattern):
                return scope
        return self.settings.default

    def _errand(self, exchange: Exchange) -> Errand | None:
        if exchange.parent is not None:
            return None
        scope = self.scope_of(exchange)
        wish = read_wish(exchange.headers)
        fault = request_fault(exchange, scope)
        if fault is None and not (wish.reads or wish.stores):
            fault = "the caller wants none"
        if fault is not None:
            exchange.response_headers[STATUS] = "bypass"
            exchange.explain(f"bypass: {fault}")
            return None
        key = self.keys.of(exchange, self.settings.partition, beside=wish.beside)
        return Errand(exchange=exchange, key=key, wish=wish, scope=scope)

    async def _explain(self, errand: Errand) -> None:
        found = await self._find(errand) if errand.wish.reads else None
        errand.exchange.explain("a hit" if found is not None else "a miss")

    # --- hits -------------------------------------------------------------------------------

    async def _find(self, errand: Errand) -> Entry | None:
        try:
            record = await self.store.get(errand.key.exact)
        except StoreDown as exc:
            self._tell_down(exc)
            return None
        self._is_down = False
        if record is None or record.partition != errand.key.partition:
            return None
        entry = self._opened(record)
        if entry is None or not _may_deliver(entry, errand.exchange):
            return None
        age_s = self.gateway.clock.now() - entry.created_at
        most_s = errand.wish.max_age_s
        return entry if most_s is None or age_s <= most_s else None

    def _opened(self, record: Record) -> Entry | None:
        try:
            return Entry.unpack(record.packed, self.sealer)
        except EntryUnreadable as exc:
            log.warning("an entry cannot be read", why=str(exc))
            return None

    async def _give(self, errand: Errand, entry: Entry) -> Answer:
        exchange = errand.exchange
        await exchange.answered_by(_target(entry.source))
        age_s = max(0, math.floor(self.gateway.clock.now() - entry.created_at))
        exchange.response_headers[STATUS] = "hit"
        exchange.response_headers["Age"] = str(age_s)
        exchange.explain(f"hit, {age_s} s old")
        self.tally.hit(entry)
        return _delivered(entry, exchange)

    # --- flights ----------------------------------------------------------------------------

    async def _follow(self, errand: Errand, flight: Flight) -> Answer:
        errand.exchange.response_headers[STATUS] = "joined"
        answer = await errand.exchange.join(flight)
        errand.exchange.explain("follows an identical request under way")
        self.tally.joined += 1
        return answer

    async def _fly(self, errand: Errand) -> Answer:
        exchange = errand.exchange
        exchange.response_headers[STATUS] = "miss"
        exchange.explain("miss")
        self.tally.missed += 1
        flight = exchange.forward()
        exact = errand.key.exact
        if self.settings.single_flight and errand.wish.reads:
            self._flights[exact] = flight
        self._tasks.spawn(self._keep(errand, flight), name="keep an answer")
        return await flight.answer()

    async def _keep(self, errand: Errand, flight: Flight) -> None:
        try:
            await flight.ended()
        finally:
            if self._flights.get(errand.key.exact) is flight:
                del self._flights[errand.key.exact]
        if not errand.wish.stores:
            return
        fault = answer_fault(errand.exchange, flight, errand.scope)
        if fault is not None:
            self.tally.unkept[fault] = self.tally.unkept.get(fault, 0) + 1
            return
        record = self._record(errand, flight)
        if len(record.packed) > self.settings.max_entry_bytes:
            self.tally.unkept["too large"] = self.tally.unkept.get("too large", 0) + 1
            return
        try:
            await self.store.put(record)
        except StoreDown as exc:
            self._tell_down(exc)
        else:
            self.tally.kept += 1

    def _record(self, errand: Errand, flight: Flight) -> Record:
        now = self.gateway.clock.now()
        ttl_s = errand.scope.ttl_s
        if errand.wish.ttl_s is not None:
            ttl_s = min(ttl_s, errand.wish.ttl_s)
        exchange = errand.exchange
        attempt = exchange.attempts[-1]
        target = attempt.target
        usage = attempt.usage
        _, headers, body = flight.body or (200, {}, b"")
        entry = Entry(
            dialect=exchange.dialect.name,
            source=Source(
                provider=target.provider,
                model=target.model,
                dialect=target.dialect,
                key=target.key,
            ),
            created_at=now,
            expires_at=now + ttl_s,
            frames=tuple(flight.frames),
            body=body,
            headers=headers,
            delivery=_delivery(exchange),
            cost_nano=attempt.cost_nano or 0,
            tokens=(usage.total_input, usage.total_output) if usage else (0, 0),
        )
        return Record(
            exact=errand.key.exact,
            partition=errand.key.partition,
            model=errand.key.model,
            created_at=now,
            expires_at=entry.expires_at,
            packed=entry.pack(self.sealer),
        )

    def _tell_down(self, exc: StoreDown) -> None:
        self.tally.store_errors += 1
        if not self._is_down:
            self._is_down = True
            log.warning("the store is down: every request is a miss", why=str(exc))


# --- delivery -------------------------------------------------------------------------------


def _delivery(exchange: Exchange) -> dict[str, Any]:
    return {"stream_options": exchange.request.peek("stream_options") or {}}


def _may_deliver(entry: Entry, exchange: Exchange) -> bool:
    """
    Tell whether *entry* can be told in the way in which the caller asks.
    """
    if entry.is_stream != exchange.request.is_stream:
        # The core puts streams together, and takes whole answers apart, where it translates.
        return type(exchange.dialect).read_answer is not Dialect.read_answer
    if not entry.is_stream:
        return True
    had, wants = _options(entry.delivery), _options(_delivery(exchange))
    asks_more = wants.pop("include_usage", False) and not had.get("include_usage")
    had.pop("include_usage", None)
    return not asks_more and had == wants


def _delivered(entry: Entry, exchange: Exchange) -> Answer:
    answer = entry.answer(exchange.dialect)
    if not (entry.is_stream and exchange.request.is_stream):
        return answer
    had, wants = _options(entry.delivery), _options(_delivery(exchange))
    hides_usage = had.get("include_usage") and not wants.get("include_usage")
    if hides_usage and answer.chunks is not None:
        return Answer(chunks=_without_usage(answer.chunks))
    return answer


async def _without_usage(chunks: Any) -> AsyncIterator[Chunk]:
    async for chunk in chunks:
        if not chunk.dialect.is_usage_only(chunk):
            yield chunk


def _options(delivery: Any) -> dict[str, Any]:
    told = delivery.get("stream_options")
    return dict(told) if isinstance(told, dict) else {}


def _target(source: Source) -> Target:
    from gateway import Target

    return Target(
        provider=source.provider,
        model=source.model,
        dialect=source.dialect,
        key=source.key,
        source="cache",
    )
