"""
What was decided on recent exchanges, in a bounded memory.

For good it is kept by an audit plugin; this answers "why was that refused" a minute later.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from gateway.clock import utc_text

if TYPE_CHECKING:
    from gateway.exchange import AttemptState, Exchange
    from gateway.outcomes import Stop
    from gateway.routing.targets import Target
    from gateway.trail import Finding
    from gateway.usage import Usage

#: Exchanges that are remembered.
KEPT: Final = 1000
#: Exchanges that wait until all of them are noted: one by one each takes 5 microseconds on
#: cold caches, together 1.
_GATHERED: Final = 16


class Trace:
    """
    One exchange as it is remembered: no request, no answer, no header.

    Made for every exchange and read for few, so it keeps values and renders on demand.
    """

    __slots__ = ("_attempts", "_exchange", "_trail")

    def __init__(self, exchange: Exchange) -> None:
        ended_at, duration_s = exchange.when_ended()
        error = exchange.error
        self._trail = exchange.trail
        self._exchange = (
            exchange.id,
            ended_at,
            duration_s,
            exchange.operation,
            exchange.dialect.name,
            exchange.request.model,
            exchange.status,
            exchange.outcome,
            None if error is None else error.code,
            None if error is None else str(error),
            exchange.settings,
            exchange.identity,
            exchange.cost_nano,
        )
        self._attempts = [
            (
                attempt.number,
                attempt.target,
                attempt.state,
                attempt.status,
                # Not the error: its frames hold all that the exchange did.
                None if attempt.error is None else attempt.error.code,
                attempt.joined,
                attempt.stop,
                attempt.usage,
                attempt.price_version,
                attempt.hold_nano,
                attempt.upstream_id,
            )
            for attempt in exchange.attempts
        ]

    def as_dict(self) -> dict[str, Any]:
        """
        Return the trace as JSON values.
        """
        (
            request_id,
            ended_at,
            duration_s,
            operation,
            dialect,
            model,
            status,
            outcome,
            code,
            message,
            settings,
            who,
            cost_nano,
        ) = self._exchange
        return {
            "request_id": request_id,
            "at": utc_text(ended_at),
            "duration_ms": round(duration_s * 1000, 3),
            "operation": operation,
            "dialect": dialect,
            "model": model,
            "status": status,
            "outcome": "unknown" if outcome is None else outcome.value,
            "code": code,
            "message": message,
            "settings": settings.short,
            "key": who and {"id": who.key_id, "name": who.key_name},
            "team": who and who.team_id,
            "customer": who and who.customer_id,
            "trail": self._trail.as_list(),
            "findings": [_finding(finding) for finding in self._trail.findings],
            "attempts": [_attempt(*attempt) for attempt in self._attempts],
            "cost_usd": None if cost_nano is None else cost_nano / 1e9,
        }


class Traces:
    """
    The traces of the latest exchanges, by request id.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._traces: OrderedDict[str, Trace] = OrderedDict()
        self._waiting: list[Exchange] = []

    def __len__(self) -> int:
        self._take()
        return len(self._traces)

    def keep(self, exchange: Exchange) -> None:
        """
        Remember *exchange*, which has ended; forget the oldest.
        """
        self._waiting.append(exchange)
        if len(self._waiting) >= _GATHERED or exchange.is_large:
            self._take()

    def _take(self) -> None:
        traces = self._traces
        for exchange in self._waiting:
            traces[exchange.id] = Trace(exchange)
            if len(traces) > self._kept:
                traces.popitem(last=False)
        self._waiting.clear()

    def get(self, request_id: str) -> dict[str, Any] | None:
        """
        Return what is remembered of an exchange, as JSON values.
        """
        self._take()
        trace = self._traces.get(request_id)
        return None if trace is None else trace.as_dict()


def _attempt(
    number: int,
    target: Target,
    state: AttemptState,
    status: int | None,
    code: str | None,
    joined: bool,
    stop: Stop | None,
    usage: Usage | None,
    price_version: str,
    hold_nano: int,
    upstream_id: str | None,
) -> dict[str, Any]:
    return {
        "number": number,
        "target": target.name,
        "key": target.key,
        "dialect": target.dialect,
        "state": state.value,
        "status": status,
        "error": code,
        "joined": joined,
        "stop": None if stop is None else stop.reason,
        "input_tokens": None if usage is None else usage.total_input,
        "output_tokens": None if usage is None else usage.total_output,
        "prices": price_version or None,
        "hold_nano": hold_nano,
        "upstream_id": upstream_id,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "guardrail": finding.guardrail,
        "detector": finding.detector,
        "type": finding.type,
        "severity": finding.severity,
        "stage": finding.stage,
        "action": finding.action,
        "span": finding.span,
    }
