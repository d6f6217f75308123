"""
The cache of one worker: what is looked up, what is filled, who follows whom.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

import attrs

from gateway import Answer, Exchange, Gateway, Outcome, Refused
from gateway_caching.days import Days
from gateway_caching.delivering import (
    Delivery,
    as_asked,
    delivered,
    may_deliver,
    target_of,
)
from gateway_caching.entries import Entry
from gateway_caching.events import CachePurged
from gateway_caching.flying import Flights
from gateway_caching.keys import Key, Keys
from gateway_caching.pantry import Pantry, entry_of
from gateway_caching.repeats import Repeat, Repeats
from gateway_caching.semantic.similar import Question, Similar
from gateway_caching.semantic.verifying import Verifier
from gateway_caching.settings import CachingSettings, ScopeSettings
from gateway_caching.storable import (
    answer_fault,
    document_fault,
    edits_for,
    request_fault,
)
from gateway_caching.stores import StoreDown, Wanted, copy_tag, owner_tag
from gateway_caching.tally import Tally
from gateway_caching.wishes import PLAIN, Wish, read_wish

if TYPE_CHECKING:
    from gateway import Flight

__all__ = ["STATUS", "Errand", "Shelf"]

STATUS: Final = "x-gw-cache"
#: Names an entry, for purging it; a hash that tells nothing.
ENTRY_ID: Final = "x-gw-cache-id"
KIND: Final = "x-gw-cache-type"
#: How far the clocks of machines that share a store may differ.
_SLACK_S: Final = 60.0
SIMILARITY: Final = "x-gw-cache-similarity"


@attrs.define(eq=False, kw_only=True)
class Errand:
    """
    One request that may be answered from the cache, or fill it.

    Attributes:
        mark: When it came, for `Purges`.
        fault: Why the cache has no business with it; None if it has.
        repeat: What its ``Idempotency-Key`` says.
        question: What similar questions may be answered as; None if none may.
    """

    exchange: Exchange
    key: Key | None
    wish: Wish
    scope: ScopeSettings
    mark: int
    fault: str | None = None
    repeat: Repeat | None = None
    question: Question | None = None


@attrs.define(eq=False, kw_only=True)
class Shelf:
    """
    Answers from what was kept, and keeps what is answered.

    Attributes:
        tally: What it saved so far.
        similar: Answers to similar questions; None where there is no embedder.
    """

    gateway: Gateway
    settings: CachingSettings
    keys: Keys
    pantry: Pantry
    flights: Flights
    repeats: Repeats
    tally: Tally
    days: Days
    similar: Similar | None = None
    verifier: Verifier | None = None

    async def purge(self, wanted: Wanted, *, actor: str) -> int:
        """
        Let entries go, here and in every other process.

        Returns:
            How many went here.

        Raises:
            StoreDown: Nobody knows what went.
        """
        count = await self.pantry.purge(wanted)
        # Whatever the store: each process has answers under way, which must not be kept.
        now = self.gateway.clock.now()
        self.gateway.broadcast(CachePurged.of(wanted, at=now, actor=actor))
        return count

    async def hear(self, event: CachePurged) -> None:
        """
        Let go what went in another process.
        """
        with suppress(StoreDown):  # which told of itself to who asked for the purge
            await self.pantry.hear(event.wanted)

    async def close(self) -> None:
        """
        Keep what is under way, then let go.
        """
        await self.flights.close()
        if self.verifier is not None:
            await self.verifier.close()
        if self.similar is not None:
            await self.similar.close()
        await self.pantry.store.close()

    # --- the way of one request -------------------------------------------------------------

    async def answer(self, exchange: Exchange) -> Answer | None:
        """
        Answer *exchange* from what was kept, or from a request under way, or fly for it.

        Returns:
            None where the cache has no business with it.

        Raises:
            Refused: Nobody may answer the caller, or it repeats another request.
        """
        if exchange.parent is not None:
            return None
        errand = self._errand(exchange)
        if exchange.dry_run:
            await self._explain(errand)
            return None
        if errand.repeat is not None:
            again = await self.repeats.answer(exchange, errand.repeat)
            if again is not None:
                return again
        if errand.key is not None and errand.wish.reads:
            answer = await self._kept(errand, errand.key)
            if answer is not None:
                return answer
        errand.question = self._question(errand)
        if errand.question is not None and errand.wish.reads:
            answer = await self._alike(errand, errand.question)
            if answer is not None:
                return answer
        return await self._fly(errand)

    def scope_of(self, exchange: Exchange) -> ScopeSettings:
        """
        Return how answers are kept for *exchange*: by its team, its model, or by default.
        """
        who = exchange.identity
        if who is not None and self.settings.teams:
            for team in (who.team_id, who.facts.get("team_name")):
                of_team = None if team is None else self.settings.teams.get(team)
                if of_team is not None:
                    return of_team
        model = exchange.request.model
        for pattern, scope in self.settings.models.items():
            if fnmatchcase(model, pattern):
                return scope
        return self.settings.default

    def _errand(self, exchange: Exchange) -> Errand:
        scope = self.scope_of(exchange)
        repeat = self.repeats.read(exchange)
        wish = read_wish(exchange.headers) if scope.enabled else PLAIN
        fault = request_fault(exchange, scope)
        if fault is None and not (wish.reads or wish.stores):
            fault = "the caller wants none"
        key = None
        if fault is None:
            made = self.keys.of(
                exchange,
                self.settings.partition,
                fault_of=document_fault,
                beside=wish.beside,
            )
            if isinstance(made, Key):
                key = made
                exchange.response_headers[ENTRY_ID] = key.exact
            else:
                fault = made
        if repeat is not None:
            repeat = attrs.evolve(repeat, tags=self._tags_of_copy(exchange, wish, key))
        return Errand(
            exchange=exchange,
            key=key,
            wish=wish,
            scope=scope,
            mark=self.pantry.purges.mark(),
            fault=fault,
            repeat=repeat,
        )

    def _tags(self, wish: Wish) -> tuple[str, ...]:
        if not wish.beside:
            return wish.tags
        return (*wish.tags, self.keys.tag_of(wish.beside))

    def _tags_of_copy(
        self, exchange: Exchange, wish: Wish, key: Key | None
    ) -> tuple[str, ...]:
        """
        Return the tags of an answer that is kept for repeats, whoever it is purged by.
        """
        tags = self._tags(wish)
        who = exchange.identity
        if who is not None:
            owners = {
                "key": who.key_id,
                "team": who.team_id,
                "customer": who.customer_id,
            }
            tags += tuple(
                owner_tag(self.keys.owner(kind, owner_id))
                for kind, owner_id in owners.items()
                if owner_id
            )
        return tags if key is None else (*tags, copy_tag(key.exact))

    def _question(self, errand: Errand) -> Question | None:
        """
        Return the question that *errand* asks; None if no similar one may be answered as it is.
        """
        wish = errand.wish
        if self.similar is None or errand.key is None or wish.kind == "exact":
            return None
        if not errand.scope.semantic:
            return None
        return self.similar.question(errand.exchange, errand.key, wish.beside)

    async def _explain(self, errand: Errand) -> None:
        found = None
        if errand.key is not None and errand.wish.reads:
            found = await self._find(errand, errand.key.exact, errand.key.partition)
        told = "a miss" if errand.fault is None else f"bypass: {errand.fault}"
        errand.exchange.explain("a hit" if found is not None else told)

    # --- hits -------------------------------------------------------------------------------

    async def _kept(self, errand: Errand, key: Key) -> Answer | None:
        if errand.wish.kind == "semantic":
            return None
        found = await self._find(errand, key.exact, key.partition)
        if found is not None:
            return await self._give(errand, found)
        return await self._follow(errand, key.exact)

    async def _alike(self, errand: Errand, question: Question) -> Answer | None:
        if self.similar is None:
            return None
        threshold = max(errand.scope.threshold, errand.wish.threshold or 0.0)
        for near in await self.similar.find(question, errand.exchange, threshold):
            found = await self._find(errand, near.exact, question.partition)
            if found is None:
                continue
            answer = await self._give(errand, found, near.similarity)
            if answer is not None:
                # Of the answer that is given, not of the one that this request would fill.
                errand.exchange.response_headers[ENTRY_ID] = near.exact
                return answer
        # Others who ask the same waited for the same search; the first of them is flying.
        return await self._follow(errand, question.exact)

    async def _follow(self, errand: Errand, exact: str) -> Answer | None:
        if not self.settings.single_flight:
            return None
        exchange = errand.exchange

        def may_follow(flight: Flight) -> bool:
            if self.flights.mark_of(flight) < errand.mark:
                return False  # something was purged since it was asked for
            return may_deliver(Delivery.of(flight.exchange), exchange)

        try:
            charge = errand.scope.charge_nano if errand.scope.charge else None
            found = await self.flights.follow(exact, exchange, may_follow, charge)
        except Refused as refused:
            if refused.ends:
                raise
            _leave_out(exchange)
            return None
        if found is None:
            return None
        answer, flight = found
        if not self._was_asked_so(exchange, edits_for(flight, self.keys)):
            return None
        exchange.response_headers[STATUS] = "joined"
        exchange.explain("follows an identical request under way")
        self.tally.joined += 1
        if errand.repeat is not None:
            kept = self.repeats.watched(exchange, errand.repeat, _nothing)
            self.flights.watch(flight, _for_who_pays(exchange, kept, charge))
        return as_asked(answer, Delivery.of(flight.exchange), exchange)

    def _was_asked_so(self, exchange: Exchange, edits: str) -> bool:
        """
        Tell whether what *exchange* would send to who answered is what that was sent.
        """
        mine = exchange.attempts[-1]
        is_so = self.keys.edits(exchange, mine) == edits
        if not is_so:
            exchange.explain("other words went to who answered")
        return is_so

    async def _find(self, errand: Errand, exact: str, partition: str) -> Entry | None:
        entry = await self.pantry.find(exact, partition)
        if entry is None or not may_deliver(entry, errand.exchange):
            return None
        age_s = self.gateway.clock.now() - entry.created_at
        if age_s < -_SLACK_S:
            return None  # the clock was put back: nobody knows how old it is
        most_s = errand.wish.max_age_s
        return entry if most_s is None or age_s <= most_s else None

    async def _give(
        self, errand: Errand, entry: Entry, similarity: float | None = None
    ) -> Answer | None:
        exchange = errand.exchange
        charge_nano = errand.scope.charge_nano(entry.cost_nano)
        try:
            await exchange.answered_by(target_of(entry.source), charge_nano=charge_nano)
        except Refused as refused:
            if refused.ends:
                raise
            _leave_out(exchange)
            return None
        if not self._was_asked_so(exchange, entry.edits):
            return None
        age_s = max(0, math.floor(self.gateway.clock.now() - entry.created_at))
        exchange.response_headers[STATUS] = "hit"
        exchange.response_headers["Age"] = str(age_s)
        exchange.response_headers[KIND] = "exact" if similarity is None else "semantic"
        if similarity is None:
            exchange.explain(f"hit, {age_s} s old")
        else:
            told = exchange.response_headers[SIMILARITY] = f"{similarity:.4f}"
            exchange.explain(f"hit of a question that is {told} similar, {age_s} s old")
            if self.verifier is not None:
                self.verifier.consider(exchange, entry, similarity)
        self.tally.hit(
            entry, charged_nano=charge_nano, is_similar=similarity is not None
        )
        if errand.repeat is not None:
            model = exchange.request.model
            # Beside: who left while it is written would have it without having paid.
            self.flights.beside(
                self.repeats.keep_entry(errand.repeat, entry, model, mark=errand.mark)
            )
        return delivered(entry, exchange)

    # --- flights ----------------------------------------------------------------------------

    async def _fly(self, errand: Errand) -> Answer | None:
        exchange, key = errand.exchange, errand.key
        if errand.repeat is not None:
            # Once more: another may have set out while the stores were asked.
            again = await self.repeats.follow(exchange, errand.repeat)
            if again is not None:
                return again
        if key is None:
            exchange.response_headers[STATUS] = "bypass"
            exchange.explain(f"bypass: {errand.fault}")
            if errand.repeat is None:
                return None
        else:
            exchange.response_headers[STATUS] = "miss"
            exchange.explain("miss")
            self.tally.missed += 1

        async def keep(flight: Flight) -> None:
            if key is not None and errand.wish.stores:
                await self._keep(errand, key, flight)

        names: list[str] = []
        kept: Callable[[Flight], Awaitable[None]] = keep
        if key is not None and errand.wish.reads:
            names.append(key.exact)
        if errand.repeat is not None:
            names.append(errand.repeat.name)
            kept = self.repeats.watched(exchange, errand.repeat, keep)
        flight = self.flights.launch(exchange, names, kept)
        return await flight.answer()

    async def _keep(self, errand: Errand, key: Key, flight: Flight) -> None:
        fault = answer_fault(errand.exchange, flight, errand.scope)
        if fault is not None:
            self.tally.leave(fault)
            return
        ttl_s = errand.scope.ttl_s
        if errand.wish.ttl_s is not None:
            ttl_s = min(ttl_s, errand.wish.ttl_s)
        now = self.gateway.clock.now()
        tags = self._tags(errand.wish)
        entry = entry_of(
            errand.exchange,
            flight,
            now=now,
            ttl_s=ttl_s,
            tags=tags,
            edits=edits_for(flight, self.keys),
        )
        is_kept = await self.pantry.keep(
            entry,
            exact=key.exact,
            partition=key.partition,
            model=key.model,
            mark=self.flights.mark_of(flight),
        )
        if is_kept and self.similar is not None and errand.question is not None:
            await self.similar.keep(errand.question, errand.exchange, entry.expires_at)


def _leave_out(exchange: Exchange) -> None:
    """
    Go on as after a miss.

    Other targets may be open to who may not use the one that answered, and who cannot pay for an
    answer hears what a miss does.
    """
    exchange.explain("an answer of who may not be used, or that cannot be paid")


def _for_who_pays(
    exchange: Exchange,
    keep: Callable[[Flight], Awaitable[None]],
    charge: Callable[[int], int] | None,
) -> Callable[[Flight], Awaitable[None]]:
    """
    Return *keep*, for whoever has not left before there was something to pay.

    A repeat is free, for the first was paid; who left was not charged for it.
    """

    async def keep_paid(flight: Flight) -> None:
        if charge is None or exchange.outcome is not Outcome.LEFT:
            await keep(flight)

    return keep_paid


async def _nothing(_: Flight) -> None:
    return None
