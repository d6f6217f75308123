"""
Takes findings from the way of requests, and writes them down beside it.

Recording waits for nobody: it appends to a queue in memory.  When more is found than can be
written, what does not fit is counted and told, and no request is slower for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import structlog

from gateway.clock import Clock
from gateway_guardrails.events import GuardrailActed
from gateway_guardrails.findings.store import FindingsStore

if TYPE_CHECKING:
    from gateway import Exchange, Finding
    from gateway.events import Event

log = structlog.get_logger("gateway.guardrails")

#: Rows that are written in one transaction.
BATCH_ROWS: Final = 500
#: How long findings are gathered before they are written.
GATHER_S: Final = 0.2
#: Between two tries to write, where the database takes nothing.
RETRY_S: Final = 1.0
#: Between two looks for findings that are too old.
PRUNE_S: Final = 3_600.0
#: How long the last findings may take to be written when the gateway stops.
CLOSE_S: Final = 3.0

_DAY_S: Final = 86_400
# What the columns take: longer words are a stranger's detector's.
_MAX_NAME: Final = 64
_MAX_TYPE: Final = 128
_MAX_MODEL: Final = 256
_MAX_PLACE: Final = 96


class FindingsRecorder:
    """
    Records what guardrails found, in one worker.

    Args:
        publish: Tells the plugins of this process.
        model_of: Returns the name of the model that an exchange asked for, if it may be told.
        max_queued: Findings that may wait.
        keep_days: How old they may become.

    Attributes:
        dropped: How many did not fit since the worker started.
    """

    def __init__(
        self,
        store: FindingsStore,
        *,
        clock: Clock,
        publish: Callable[[Event], None],
        model_of: Callable[[Exchange], str | None],
        max_queued: int,
        keep_days: int,
    ) -> None:
        self.store = store
        self.dropped = 0
        self._clock = clock
        self._publish = publish
        self._model_of = model_of
        self._max_queued = max_queued
        self._keep_days = keep_days
        self._queue: deque[dict[str, Any]] = deque()
        self._told = 0
        self._came = asyncio.Event()
        self._writing = asyncio.Lock()

    def record(
        self, exchange: Exchange, findings: Sequence[Finding], latency_ns: int
    ) -> None:
        """
        Take down what was found in *exchange*; once, when all is known.

        A dry run leaves nothing.
        """
        if not findings or exchange.dry_run:
            return
        room = self._max_queued - len(self._queue)
        if len(findings) > room:
            self.dropped += len(findings) - max(room, 0)
        if room > 0:
            model = self._model_of(exchange)
            now = self._clock.now()
            self._queue.extend(
                _rows(exchange, findings[:room], latency_ns, model=model, at=now)
            )
            self._came.set()
        identity = exchange.identity
        self._publish(
            GuardrailActed(
                at=self._clock.now(),
                request_id=exchange.id,
                key_id=None if identity is None else identity.key_id,
                team_id=None if identity is None else identity.team_id,
                findings=tuple(findings),
                latency_ns=latency_ns,
            )
        )

    async def run(self) -> None:
        """
        Write what comes, for as long as nobody cancels.
        """
        while True:
            await self._came.wait()
            self._came.clear()
            await asyncio.sleep(GATHER_S)
            try:
                await self.flush()
            except Exception as exc:  # noqa: BLE001 - tried again; nothing else depends on it
                # Without its text: a database's errors show parameters.
                log.warning("findings not written", error=type(exc).__name__)
                await asyncio.sleep(RETRY_S)
                self._came.set()

    async def flush(self) -> None:
        """
        Write all that waits.
        """
        async with self._writing:
            while self._queue:
                size = min(len(self._queue), BATCH_ROWS)
                batch = [self._queue[at] for at in range(size)]
                await self.store.add(batch)
                for _ in batch:
                    self._queue.popleft()
        if self.dropped > self._told:
            log.error(
                "findings were dropped: more was found than could be written",
                dropped=self.dropped - self._told,
                in_all=self.dropped,
            )
            self._told = self.dropped

    async def prune_now_and_then(self) -> None:
        """
        Remove what is too old, for as long as nobody cancels.
        """
        while True:
            await asyncio.sleep(PRUNE_S)
            try:
                await self.prune()
            except Exception as exc:  # noqa: BLE001 - tried again in an hour
                log.warning("old findings not removed", error=type(exc).__name__)

    async def prune(self) -> int:
        """
        Remove all that is too old now; returns how many.
        """
        before = self._clock.now() - self._keep_days * _DAY_S
        removed = 0
        while gone := await self.store.prune(before):
            removed += gone
            await asyncio.sleep(0.05)  # so that who writes finds the database free
        return removed

    async def close(self) -> None:
        """
        Write what waits, if it can be done soon.
        """
        try:
            async with asyncio.timeout(CLOSE_S):
                await self.flush()
        except Exception as exc:  # noqa: BLE001 - the gateway stops all the same
            log.error(  # noqa: TRY400 - a database's errors show parameters
                "the last findings are lost",
                findings=len(self._queue),
                error=type(exc).__name__,
            )


def _rows(
    exchange: Exchange,
    findings: Sequence[Finding],
    latency_ns: int,
    *,
    model: str | None,
    at: float,
) -> list[dict[str, Any]]:
    identity = exchange.identity
    common = {
        "at": at,
        "request_id": exchange.id,
        "key_id": None if identity is None else identity.key_id,
        "team_id": None if identity is None else identity.team_id,
        "customer_id": None if identity is None else identity.customer_id,
        "model": None if model is None else _plain(model, _MAX_MODEL),
        "latency_ns": latency_ns,
    }
    return [
        {
            **common,
            "guardrail": finding.guardrail,
            "detector": finding.detector[:_MAX_NAME],
            "type": _plain(finding.type, _MAX_TYPE),
            "severity": finding.severity,
            "action": finding.action,
            "stage": finding.stage,
            "is_shadow": finding.is_shadow,
            "place": finding.place[:_MAX_PLACE],
            "took_us": finding.took_us,
            "span_start": None if finding.span is None else finding.span[0],
            "span_end": None if finding.span is None else finding.span[1],
            "score": finding.score,
        }
        for finding in findings
    ]


def _plain(text: str, most: int) -> str:
    """
    Cut *text*, and make it what a database can store: lone surrogates have no UTF-8.
    """
    return text[:most].encode("utf-8", "replace").decode().replace("\0", "?")
