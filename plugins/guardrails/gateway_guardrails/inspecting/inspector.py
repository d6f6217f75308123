"""
The inspector: what the plugin's hooks call.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

import attrs

from gateway_guardrails.counting import Tally
from gateway_guardrails.inspecting.background import BackgroundFilter
from gateway_guardrails.inspecting.buffer import BufferFilter
from gateway_guardrails.inspecting.cache import FindCache
from gateway_guardrails.inspecting.incoming import RequestInspector
from gateway_guardrails.inspecting.inspection import INSPECTION, Inspection, sampled
from gateway_guardrails.inspecting.media import MediaFilter
from gateway_guardrails.inspecting.notes import Notes
from gateway_guardrails.inspecting.plan import OutputPlan, Plans
from gateway_guardrails.inspecting.refusals import unenforceable
from gateway_guardrails.inspecting.scanning import Scanner
from gateway_guardrails.inspecting.seals import SealDropper
from gateway_guardrails.inspecting.series import in_series
from gateway_guardrails.inspecting.window import WatchingFilter, WindowFilter
from gateway_guardrails.policy.coverage import why_not_enforced
from gateway_guardrails.redaction import (
    Conversation,
    Redaction,
    RestoringFilter,
    Vault,
)
from gateway_guardrails.redaction.lookalikes import Lookalikes
from gateway_guardrails.redaction.naming import ConversationName, name_of

if TYPE_CHECKING:
    import asyncio

    from gateway import Attempt, Exchange, Finding, Gateway
    from gateway.filters import StreamFilter
    from gateway_guardrails.policy.guardrail import Guardrail
    from gateway_guardrails.policy.snapshot import PolicySnapshot
    from gateway_guardrails.settings import GuardrailsSettings

#: Threads for long requests; two, so that one very long request delays no other.
_THREADS: Final = min(2, os.cpu_count() or 1)

Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


class Recorder(Protocol):
    """
    Takes the findings of an exchange that ended.
    """

    def __call__(
        self, exchange: Exchange, findings: Sequence[Finding], latency_ns: int
    ) -> None:
        """
        Take *findings*, and how long all the looking took.
        """


@attrs.define(eq=False, kw_only=True)
class Inspector:
    """
    Inspects the exchanges of one worker.

    Args:
        snapshot: Returns the guardrails in force.
        record: Takes what was found.
        spawn: Runs what is not waited for.
        key: Of the conversations' names and the look-alikes; the same on every worker.
    """

    snapshot: Callable[[], PolicySnapshot]
    record: Recorder
    spawn: Spawn
    requests: RequestInspector
    vault: Vault
    conversation_header: str
    key: bytes = attrs.field(repr=False)
    #: No other worker's.
    _worker: bytes = attrs.field(factory=lambda: os.urandom(8), init=False, repr=False)
    tally: Tally = attrs.field(factory=Tally, init=False)
    _plans: Plans = attrs.field(factory=Plans, init=False)
    _planned: PolicySnapshot | None = attrs.field(default=None, init=False)

    @classmethod
    @contextmanager
    def open(
        cls,
        gateway: Gateway,
        settings: GuardrailsSettings,
        *,
        snapshot: Callable[[], PolicySnapshot],
        record: Recorder,
    ) -> Iterator[Self]:
        """
        Make one for *gateway*, with a pool of threads that ends with it.
        """
        cache = FindCache(os.urandom(32), settings.max_segment_cache_bytes)
        pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="guardrails")

        def spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
            return gateway.tasks.spawn(work, name="guardrail in the background")

        try:
            yield cls(
                snapshot=snapshot,
                record=record,
                spawn=spawn,
                requests=RequestInspector(
                    scanner=Scanner(cache, pool), embeddings=settings.embeddings
                ),
                vault=Vault(ttl_s=settings.vault_ttl_s),
                conversation_header=settings.conversation_header,
                key=gateway.derive("guardrails/redaction"),
            )
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    # --- requests ---------------------------------------------------------------------------

    async def inspect(self, exchange: Exchange) -> None:
        """
        Look at a request as the caller sent it, wherever it will go.

        Raises:
            Refused: A guardrail says no.
        """
        inspection = self._begin(exchange)
        _check_mandatory(inspection.guardrails, exchange)
        plan = self._plans.for_input(inspection.guardrails)
        await self.requests.inspect(inspection, exchange.request, plan)

    async def inspect_for(self, exchange: Exchange, attempt: Attempt) -> None:
        """
        Look at a request as it goes to the target of *attempt*.

        Raises:
            Refused: A guardrail says no; for every target.
        """
        inspection = exchange.stash.get(INSPECTION)
        if inspection is None:
            return
        guardrails = inspection.for_target(attempt)
        _check_mandatory(guardrails, exchange)
        plan = self._plans.for_input(guardrails)
        await self.requests.inspect(
            inspection, attempt.request, plan, attempt=attempt.number
        )

    def _begin(self, exchange: Exchange) -> Inspection:
        snapshot = self.snapshot()
        if snapshot is not self._planned:
            self._planned = snapshot
            self._plans.clear()
        inspection = exchange.stash[INSPECTION] = Inspection(
            exchange=exchange,
            snapshot=snapshot,
            guardrails=sampled(snapshot.for_request(exchange), exchange.id),
            notes=Notes(exchange),
            redaction=self._redaction(exchange),
        )
        return inspection

    def _redaction(self, exchange: Exchange) -> Redaction:
        """
        Make the redactions of *exchange*, in the conversation that its caller goes on with.
        """
        header, now = self.conversation_header, exchange.clock.monotonic()
        texts = exchange.request.texts

        def name() -> ConversationName:
            return name_of(
                exchange, texts, header=header, key=self.key, worker=self._worker
            )

        def begin() -> Conversation:
            if exchange.dry_run:
                return Conversation()  # which nobody remembers
            named = name()
            return self.vault.open(
                named.digest,
                now,
                is_named=named.is_named,
                begins_after=named.begins_after,
            )

        redaction = Redaction(
            open=begin,
            find=lambda: (
                None if exchange.dry_run else self.vault.find(name().digest, now)
            ),
            lookalikes=Lookalikes(self.key),
            texts=lambda: [text.value for text in texts()],
        )
        if header in exchange.headers:
            redaction.look_up()  # an answer may speak of its earlier turns
        return redaction

    # --- answers ----------------------------------------------------------------------------

    def open_filter(
        self, exchange: Exchange, attempt: Attempt | None
    ) -> StreamFilter | None:
        """
        Return what looks at the answer, and what puts originals back behind it.
        """
        inspection = exchange.stash.get(INSPECTION)
        if inspection is None:
            return None
        # Of a flight that a cache began, the last attempt is the one that answers.
        asked = attempt or exchange.attempt
        guardrails = inspection.guardrails + inspection.for_target(asked)
        plan = self._plans.for_output(guardrails)
        filters = self._looking(inspection, plan, attempt)
        originals = inspection.redaction.live
        if originals:
            restoring = RestoringFilter(originals, lambda: _restored(exchange))
            filters.append(restoring)
        return in_series(filters)

    def _looking(
        self, inspection: Inspection, plan: OutputPlan, attempt: Attempt | None
    ) -> list[StreamFilter]:
        exchange = inspection.exchange
        request = exchange.request if attempt is None else attempt.request
        number = 0 if attempt is None else attempt.number
        scanner = self.requests.scanner
        filters: list[StreamFilter] = []
        if plan.blind is not None:
            filters.append(MediaFilter(plan.blind, exchange.id))
        if plan.drops_sealed and SealDropper.knows(exchange.dialect.name):
            filters.append(SealDropper(exchange.dialect.name))
        # First, for what another rule redacted is there no more.
        filters += [
            WatchingFilter(inspection, aside, number, scanner)
            for aside in (plan.ahead, plan.background, plan.shadow)
            if aside.scans
        ]
        if plan.window.scans:
            kind = WindowFilter if plan.window.acts else WatchingFilter
            filters.append(kind(inspection, plan.window, number, scanner))
        if not plan.buffer.is_empty:
            filters.append(
                BufferFilter(inspection, plan.buffer, scanner, request, number)
            )
        for aside in (plan.background, plan.shadow):
            if aside.askings:
                filters.append(
                    BackgroundFilter(inspection, aside, request, self.spawn, number)
                )
        return filters

    # --- the end ----------------------------------------------------------------------------

    def complete(self, exchange: Exchange) -> None:
        """
        Hand on what was found, and count what failed.
        """
        inspection = exchange.stash.get(INSPECTION)
        if inspection is None:
            return
        notes = inspection.notes
        if notes.failures and not exchange.dry_run:
            self.tally.take(notes.failures)
        if notes.findings:
            if notes.untold:
                notes.line("output", "flagged", f"{notes.untold} more findings")
            self.record(exchange, notes.findings, inspection.took_ns)


def _check_mandatory(guardrails: Iterable[Guardrail], exchange: Exchange) -> None:
    """
    Refuse what a guardrail that must look at everything cannot look at.

    Raises:
        Blocked: It is so.
    """
    for guardrail in guardrails:
        if guardrail.is_mandatory:
            why = why_not_enforced(guardrail, exchange)
            if why is not None:
                raise unenforceable(guardrail, why, exchange.id)


def _restored(exchange: Exchange) -> None:
    exchange.is_restored = True
