"""
What one worker counted, in Prometheus's words.

Observing an exchange must cost next to nothing: counts are kept in plain cells, one dictionary
look-up each, and become text when somebody asks.  Labels are bounded, and none is what a caller
wrote: a model has its name if the settings or the catalog name it (a dated snapshot has the name
without its date) and its provider answered for it, the others count as ``other``, and so does
what goes beyond `MAX_MODELS` models and `MAX_CODES` codes.  A status of 0 is a caller who left
before the answer.

===============================================  =======================================
metric                                           labels
===============================================  =======================================
gatewright_requests_total                        dialect operation provider model status
gatewright_errors_total                          dialect code
gatewright_request_duration_seconds              dialect operation provider
gatewright_time_to_first_event_seconds           provider model
gatewright_upstream_latency_seconds              provider model
gatewright_upstream_attempts_total               provider model outcome
gatewright_tokens_total                          provider model direction
gatewright_cost_usd_total                        provider model
gatewright_in_flight
gatewright_plugin_seconds_total                  plugin
gatewright_plugin_calls_total                    plugin
gatewright_plugin_errors_total                   plugin
gatewright_plugin_failed_open_total              plugin
gatewright_plugin_refused_total                  plugin
gatewright_access_lines_lost_total
gatewright_workers
===============================================  =======================================

Plugins add theirs by the hook `register_metrics`; see `gateway.registrations.Metric`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Protocol

import attrs
import structlog

from gateway.exposition import (
    CONTENT_TYPE,
    Histogram,
    counter,
    gauge,
    histogram,
    merge,
    process_lines,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gateway.exchange import Attempt, Exchange
    from gateway.hooks import Hooks, PluginStats
    from gateway.registrations import Metric
    from gateway.server.turned_away import TurnedAway

log = structlog.get_logger("gateway.metrics")

__all__ = ["CONTENT_TYPE", "Metrics", "merge"]

#: Distinct models that become labels in one process.
MAX_MODELS: Final = 200
MAX_CODES: Final = 100
OTHER: Final = "other"
NONE: Final = "none"


class CountedGateway(Protocol):
    """
    The gateway, as far as it is counted.
    """

    @property
    def hooks(self) -> Hooks:
        """
        The chains in force, with what they cost.
        """

    @property
    def in_flight(self) -> int:
        """
        Exchanges that have not ended.
        """

    def model_name(self, provider: str, model: str) -> str | None:
        """
        Return the name by which *model* of *provider* is known here, or None.
        """


class _TargetCell:
    """
    What one model at one provider did.
    """

    __slots__ = (
        "cost_nano",
        "first_event",
        "input",
        "input_cached",
        "input_written",
        "latency",
        "output",
        "reasoning",
    )

    def __init__(self) -> None:
        self.latency = Histogram()
        self.first_event = Histogram()
        self.input = 0
        self.input_cached = 0
        self.input_written = 0
        self.output = 0
        self.reasoning = 0
        self.cost_nano = 0

    def tokens(self) -> Iterator[tuple[str, int]]:
        yield "input", self.input
        yield "input_cached", self.input_cached
        yield "input_written_to_cache", self.input_written
        yield "output", self.output
        yield "output_reasoning", self.reasoning


class _Bounded:
    """
    The first so many words become labels, the others count as one.
    """

    __slots__ = ("_known", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()

    def __contains__(self, word: str) -> bool:
        return word in self._known

    def label(self, word: str) -> str:
        known = self._known
        if word in known:
            return word
        if len(known) >= self._most:
            return OTHER
        known.add(word)
        return word


@attrs.define(eq=False)
class Metrics:
    """
    The counts of one worker.

    Args:
        gateway: Whose plugins and load are shown.
        lines_lost: Asked how many access lines were lost.
        of_plugins: Returns what plugins registered.
        catch_up: Called before anything is shown, to count what waits to be counted.
    """

    gateway: CountedGateway
    lines_lost: Callable[[], int] = attrs.field(default=lambda: 0, kw_only=True)
    of_plugins: Callable[[], Iterable[Metric]] = attrs.field(
        default=lambda: (), kw_only=True
    )
    catch_up: Callable[[], None] = attrs.field(default=lambda: None, kw_only=True)
    _models: _Bounded = attrs.field(factory=lambda: _Bounded(MAX_MODELS), init=False)
    _codes: _Bounded = attrs.field(factory=lambda: _Bounded(MAX_CODES), init=False)
    _requests: dict[tuple[str, str, str, str, int], int] = attrs.field(
        factory=dict, init=False
    )
    _errors: dict[tuple[str, str], int] = attrs.field(factory=dict, init=False)
    _durations: dict[tuple[str, str, str], Histogram] = attrs.field(
        factory=dict, init=False
    )
    _attempts: dict[tuple[str, str, str], int] = attrs.field(factory=dict, init=False)
    _targets: dict[tuple[str, str], _TargetCell] = attrs.field(factory=dict, init=False)

    # --- counting ---------------------------------------------------------------------------

    def observe(self, exchange: Exchange) -> None:
        """
        Count *exchange*, which has ended; goes on the gateway's ``observers``.

        A nested call is no request of a caller: only what it asked of providers counts.
        """
        provider, model = NONE, NONE
        for attempt in exchange.attempts:
            if not attempt.joined:
                provider, model = self._count_attempt(attempt)
        if exchange.cost_nano:
            self._target(provider, model).cost_nano += exchange.cost_nano
        if exchange.parent is not None:
            return
        dialect, operation = exchange.dialect.name, exchange.operation
        self._count(dialect, operation, provider, model, exchange.status or 0)
        began = exchange.started_at
        duration = self._durations.get((dialect, operation, provider))
        if duration is None:
            duration = self._durations[dialect, operation, provider] = Histogram()
        duration.observe(exchange.duration_s)
        error = exchange.error
        if error is not None:
            self._count_error(dialect, error.code)
        first = exchange.first_event_at
        if first is None or provider is NONE or (exchange.status or 0) >= 400:
            return
        if exchange.request.is_stream:
            self._target(provider, model).first_event.observe(first - began)

    def turned_away(self, away: TurnedAway) -> None:
        """
        Count a request that never became an exchange.
        """
        self._count(away.dialect, away.operation, NONE, NONE, away.status)
        if away.code:
            self._count_error(away.dialect, away.code)

    def _count_attempt(self, attempt: Attempt) -> tuple[str, str]:
        target = attempt.target
        status = attempt.status
        provider = target.provider
        model = target.model
        if model not in self._models:
            exists = status is not None and status < 400
            name = self.gateway.model_name(provider, model) if exists else None
            model = OTHER if name is None else self._models.label(name)
        outcome = attempt.state.value
        if status is not None and outcome == "answered":
            outcome = str(status)
        key = (provider, model, outcome)
        self._attempts[key] = self._attempts.get(key, 0) + 1
        if attempt.sent_at is None:
            return provider, model
        cell = self._target(provider, model)
        until = attempt.first_event_at or attempt.ended_at
        if until is not None:
            cell.latency.observe(until - attempt.sent_at)
        usage = attempt.usage
        if usage is not None:
            cell.input += usage.input + usage.input_audio
            cell.input_cached += usage.cache_read
            cell.input_written += usage.cache_write_5m + usage.cache_write_1h
            cell.output += usage.output + usage.output_audio
            cell.reasoning += usage.reasoning
        return provider, model

    def _target(self, provider: str, model: str) -> _TargetCell:
        cell = self._targets.get((provider, model))
        if cell is None:
            cell = self._targets[provider, model] = _TargetCell()
        return cell

    def _count(
        self, dialect: str, operation: str, provider: str, model: str, status: int
    ) -> None:
        key = (dialect, operation, provider, model, status)
        self._requests[key] = self._requests.get(key, 0) + 1

    def _count_error(self, dialect: str, code: str) -> None:
        key = (dialect, self._codes.label(code))
        self._errors[key] = self._errors.get(key, 0) + 1

    # --- showing ----------------------------------------------------------------------------

    def render(self) -> bytes:
        """
        Write everything in Prometheus's text format; see `CONTENT_TYPE`.
        """
        self.catch_up()
        return "\n".join((*self._lines(), "")).encode()

    def _lines(self) -> Iterator[str]:
        yield from self._request_lines()
        yield from self._target_lines()
        yield from self._plugin_lines()
        for metric in self.of_plugins():
            yield from _registered_lines(metric)
        for name, told, value in (
            ("gatewright_in_flight", "Exchanges under way.", self.gateway.in_flight),
            ("gatewright_workers", "Processes that serve.", 1),
        ):
            yield from gauge(name, told, (), {(): value})
        yield from counter(
            "gatewright_access_lines_lost_total",
            "Access lines that were lost because the log could not keep up.",
            (),
            {(): self.lines_lost()},
        )
        yield from process_lines()

    def _request_lines(self) -> Iterator[str]:
        yield from counter(
            "gatewright_requests_total",
            "Requests of callers, by how they ended.",
            ("dialect", "operation", "provider", "model", "status"),
            self._requests,
        )
        yield from counter(
            "gatewright_errors_total",
            "Errors told to callers.",
            ("dialect", "code"),
            self._errors,
        )
        yield from histogram(
            "gatewright_request_duration_seconds",
            "From a request's arrival to its last event.",
            ("dialect", "operation", "provider"),
            self._durations,
        )

    def _target_lines(self) -> Iterator[str]:
        labels = ("provider", "model")
        cells = self._targets
        yield from counter(
            "gatewright_upstream_attempts_total",
            "Tries at providers, by where each ended.",
            (*labels, "outcome"),
            self._attempts,
        )
        yield from histogram(
            "gatewright_upstream_latency_seconds",
            "From sending to a provider to its first event, or its whole answer.",
            labels,
            {key: cell.latency for key, cell in cells.items()},
        )
        yield from histogram(
            "gatewright_time_to_first_event_seconds",
            "From a request's arrival to the first byte of its stream.",
            labels,
            {key: cell.first_event for key, cell in cells.items()},
        )
        yield from counter(
            "gatewright_tokens_total",
            "Tokens that providers said were used.",
            (*labels, "direction"),
            {
                (*key, direction): count
                for key, cell in cells.items()
                for direction, count in cell.tokens()
                if count
            },
        )
        yield from counter(
            "gatewright_cost_usd_total",
            "What exchanges cost, where a price is known.",
            labels,
            {key: cell.cost_nano / 1e9 for key, cell in cells.items()},
        )

    def _plugin_lines(self) -> Iterator[str]:
        shown: tuple[tuple[str, str, Callable[[PluginStats], float]], ...] = (
            ("plugin_seconds", "Time spent in plugins.", lambda s: s.total_ns / 1e9),
            ("plugin_calls", "Calls of plugins.", lambda s: s.calls),
            ("plugin_errors", "Failures of plugins.", lambda s: s.errors),
            ("plugin_failed_open", "Failures passed over.", lambda s: s.failed_open),
            ("plugin_refused", "Refusals by plugins.", lambda s: s.refused),
        )
        stats = self.gateway.hooks.stats
        for name, told, of in shown:
            values = {(plugin,): of(stat) for plugin, stat in stats.items()}
            yield from counter(f"gatewright_{name}_total", told, ("plugin",), values)


def _registered_lines(metric: Metric) -> tuple[str, ...]:
    name = f"gatewright_{metric.name}"
    render, shown = (counter, f"{name}_total") if metric.counts_up else (gauge, name)
    try:
        value = metric.value()
        values = value if isinstance(value, Mapping) else {(): value}
        return tuple(render(shown, metric.told, metric.labels, values))
    except Exception as exc:  # noqa: BLE001 - one number hides none of the others
        log.warning("metric not shown", metric=metric.name, error=type(exc).__name__)
        return ()
