"""
What was decided on recent exchanges, in a bounded memory.

For good it is kept by an audit plugin; this answers "why was that refused" a minute later.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

import attrs

from gateway.clock import utc_text

if TYPE_CHECKING:
    from gateway.exchange import Attempt, Exchange, Finding, Identity, Trail

#: Exchanges that are remembered.
KEPT: Final = 1000


@attrs.frozen(kw_only=True)
class Trace:
    """
    One exchange as it is remembered: no request, no answer, no header.
    """

    request_id: str
    ended_at: float
    duration_s: float
    operation: str
    dialect: str
    model: str
    status: int | None
    outcome: str
    code: str | None
    message: str | None
    settings: str
    identity: Identity | None
    trail: Trail
    attempts: tuple[dict[str, Any], ...]
    cost_nano: int | None

    def as_dict(self) -> dict[str, Any]:
        """
        Return the trace as JSON values.
        """
        who = self.identity
        return {
            "request_id": self.request_id,
            "at": utc_text(self.ended_at),
            "duration_ms": round(self.duration_s * 1000, 3),
            "operation": self.operation,
            "dialect": self.dialect,
            "model": self.model,
            "status": self.status,
            "outcome": self.outcome,
            "code": self.code,
            "message": self.message,
            "settings": self.settings,
            "key": who and {"id": who.key_id, "name": who.key_name},
            "team": who and who.team_id,
            "customer": who and who.customer_id,
            "trail": self.trail.as_list(),
            "findings": [_finding(finding) for finding in self.trail.findings],
            "attempts": list(self.attempts),
            "cost_usd": None if self.cost_nano is None else self.cost_nano / 1e9,
        }


class Traces:
    """
    The traces of the latest exchanges, by request id.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._traces: OrderedDict[str, Trace] = OrderedDict()

    def __len__(self) -> int:
        return len(self._traces)

    def keep(self, exchange: Exchange) -> None:
        """
        Remember *exchange*, which has ended; forget the oldest.
        """
        self._traces[exchange.id] = trace_of(exchange)
        if len(self._traces) > self._kept:
            self._traces.popitem(last=False)

    def get(self, request_id: str) -> dict[str, Any] | None:
        """
        Return what is remembered of an exchange, as JSON values.
        """
        trace = self._traces.get(request_id)
        return None if trace is None else trace.as_dict()


def trace_of(exchange: Exchange) -> Trace:
    """
    Take from *exchange* what may be remembered.
    """
    error = exchange.error
    clock = exchange.clock
    return Trace(
        request_id=exchange.id,
        ended_at=clock.now(),
        duration_s=clock.monotonic() - exchange.started_at,
        operation=exchange.operation,
        dialect=exchange.dialect.name,
        model=exchange.request.model,
        status=exchange.status,
        outcome=exchange.outcome.value if exchange.outcome else "unknown",
        code=None if error is None else error.code,
        message=None if error is None else str(error),
        settings=exchange.settings.short,
        identity=exchange.identity,
        trail=exchange.trail,
        attempts=tuple(_attempt(attempt) for attempt in exchange.attempts),
        cost_nano=exchange.cost_nano,
    )


def _attempt(attempt: Attempt) -> dict[str, Any]:
    usage = attempt.usage
    return {
        "number": attempt.number,
        "target": attempt.target.name,
        "key": attempt.target.key,
        "dialect": attempt.target.dialect,
        "state": attempt.state.value,
        "status": attempt.status,
        "error": None if attempt.error is None else attempt.error.code,
        "joined": attempt.joined,
        "stop": None if attempt.stop is None else attempt.stop.reason,
        "input_tokens": None if usage is None else usage.total_input,
        "output_tokens": None if usage is None else usage.total_output,
        "hold_nano": attempt.hold_nano,
        "upstream_id": attempt.upstream_id,
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
