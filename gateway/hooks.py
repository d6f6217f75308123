"""
The calling side of the hooks: chains frozen at start-up, and what happens when a plugin fails.

pluggy registers and validates; it never calls.  `Hooks` reads the implementations once, sorts
them by (phase, name) and keeps tuples of bound functions.  An empty chain costs nothing.

Failure policy lives here and nowhere else: `Refused` passes; any other exception fails closed
(500, logged with the plugin's name), or open where the operator set ``on_failure: open``.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from functools import partial
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final

import attrs
import structlog

from gateway.errors import ExchangeError, PluginFailed, Refused
from gateway.exchange import Answer
from gateway.filters import ChunkHook, Pipeline, Stage
from gateway.raised import FAULTS, place_of
from gateway.routing.targets import Target
from gateway.views import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from gateway.dialects import Dialect
    from gateway.events import Event
    from gateway.exchange import Attempt, Exchange, Outcome
    from gateway.listing import ModelListing
    from gateway.plugins import LoadedPlugin
    from gateway.taps import Tap
    from gateway.views import Chunk

log = structlog.get_logger("gateway.hooks")

#: Hooks that are called for exchanges and events, by the chain that calls them.
CALLED: Final = (
    "pre_request",
    "choose_targets",
    "before_attempt",
    "open_tap",
    "open_filter",
    "on_stream_chunk",
    "post_response",
    "after_attempt",
    "on_complete",
    "on_event",
    "settle_event",
    "list_models",
    "recall",
    "erase_subject",
)
_KEPT_TIMES = 512


@attrs.define(eq=False)
class PluginStats:
    """
    What one plugin cost and how often it failed, in this process.

    Attributes:
        times_ns: The latest call times, for percentiles.
    """

    calls: int = 0
    total_ns: int = 0
    errors: int = 0
    failed_open: int = 0
    refused: int = 0
    last_error: str = ""
    times_ns: deque[int] = attrs.field(factory=lambda: deque(maxlen=_KEPT_TIMES))

    def percentile_us(self, share: float) -> float:
        """
        Return the call time, in microseconds, that *share* of the latest calls stayed below.
        """
        times = sorted(self.times_ns)
        if not times:
            return 0.0
        return times[min(len(times) - 1, int(len(times) * share))] / 1000


@attrs.frozen(eq=False)
class Step:
    """
    One plugin's implementation of one hook, bound and ready to call.

    Attributes:
        position: The plugin's place among all plugins, outermost 0.
    """

    name: str
    hook: str
    call: Callable[..., Any]
    position: int
    fails_open: bool
    timeout_s: float | None
    stats: PluginStats

    @property
    def may_wait(self) -> bool:
        """
        Whether it is written with ``async def``.
        """
        return inspect.iscoroutinefunction(self.call)

    def limited(self, waiting: Awaitable[Any]) -> Awaitable[Any]:
        """
        Bound *waiting* by the operator's timeout for the plugin.
        """
        return asyncio.wait_for(waiting, self.timeout_s)

    def done(
        self, exchange: Exchange, started: int, outcome: str, attempt: int = 0
    ) -> int:
        """
        Put a line on the trail, and the time on the plugin's account.

        Returns:
            The time now, at which the next step begins: the clock is read once a step.
        """
        now = perf_counter_ns()
        spent = now - started
        stats = self.stats
        stats.calls += 1
        stats.total_ns += spent
        stats.times_ns.append(spent)
        exchange.trail.said.append(
            (self.name, self.hook, outcome, exchange.reason, spent, attempt)
        )
        if exchange.reason:
            exchange.reason = ""
        return now

    def failed(
        self, exchange: Exchange, started: int, exc: BaseException, attempt: int = 0
    ) -> None:
        """
        Deal with an exception: pass a refusal on, fail closed, or return to fail open.
        """
        if isinstance(exc, ExchangeError):
            self.stats.refused += 1
            exchange.reason = exchange.reason or str(exc)
            self.done(exchange, started, "refused", attempt)
            raise exc
        self.record(exc, exchange.id)
        if isinstance(exc, TimeoutError) and self.timeout_s is not None:
            exchange.reason = f"took longer than {self.timeout_s} s"
        else:
            exchange.reason = type(exc).__name__
        if self.fails_open:
            self.stats.failed_open += 1
            self.done(exchange, started, "failed_open", attempt)
            return
        self.done(exchange, started, "failed", attempt)
        raise PluginFailed(self.name) from exc

    def record(self, exc: BaseException, exchange_id: str = "") -> None:
        """
        Count and log an exception that is the plugin's fault.

        Its text may hold a prompt, so only its type and place are logged.
        """
        self.stats.errors += 1
        place = place_of(exc)
        self.stats.last_error = f"{type(exc).__name__} in {self.hook} at {place}"
        log.error(
            "plugin failed",
            plugin=self.name,
            hook=self.hook,
            error=type(exc).__name__,
            at=place,
            request_id=exchange_id,
            fails_open=self.fails_open,
        )


Chain = tuple[Step, ...]


class Hooks:
    """
    The frozen chains, and the ways in which the relay calls them.

    Args:
        plugins: In order, outermost first.
    """

    def __init__(self, plugins: Sequence[LoadedPlugin]) -> None:
        self.plugins = tuple(plugins)
        self.stats = {plugin.name: PluginStats() for plugin in plugins}
        self._chains = {hook: self._freeze(hook) for hook in CALLED}
        self._pre_request = self._chains["pre_request"]
        self._choose_targets = self._chains["choose_targets"]
        self._before_attempt = self._chains["before_attempt"][::-1]
        self._open_tap = self._chains["open_tap"]
        self._open_filter = self._filter_steps()
        self._post_response = self._chains["post_response"][::-1]
        self._after_attempt = self._chains["after_attempt"][::-1]
        self._on_complete = self._chains["on_complete"][::-1]
        self._on_event = self._chains["on_event"]
        self._settle_event = self._chains["settle_event"]
        self._list_models = self._chains["list_models"]
        self._recall = self._chains["recall"]
        self._erase_subject = self._chains["erase_subject"]
        #: Whether a stream can be passed on as it comes, if no filter is open for it.
        self.has_taps = bool(self._open_tap)
        self.has_post_response = bool(self._post_response)
        #: Whether none of `after_attempt` waits for anything, so that nothing can come in between.
        self.settles_attempts_at_once = not any(
            step.may_wait for step in self._after_attempt
        )
        #: Likewise, of `on_complete` too.
        self.settles_at_once = self.settles_attempts_at_once and not any(
            step.may_wait for step in self._on_complete
        )
        self.has_filters = bool(self._open_filter)
        #: Whether a call of the hook of the same name does anything.
        self.has_pre_request = bool(self._pre_request)
        self.has_before_attempt = bool(self._before_attempt)
        self.has_after_attempt = bool(self._after_attempt)
        self.has_on_complete = bool(self._on_complete)
        #: Position of the innermost plugin that has a say before a provider is asked; -1: nobody.
        self.innermost = max(
            (step.position for step in (*self._pre_request, *self._before_attempt)),
            default=-1,
        )

    def chain(self, hook: str) -> Chain:
        """
        Return the implementations of *hook*, outermost first.
        """
        return self._chains[hook]

    def _freeze(self, hook: str) -> Chain:
        return tuple(
            Step(
                name=plugin.name,
                hook=hook,
                call=getattr(plugin.plugin, hook),
                position=position,
                fails_open=plugin.fails_open,
                timeout_s=plugin.timeout_s,
                stats=self.stats[plugin.name],
            )
            for position, plugin in enumerate(self.plugins)
            if hook in plugin.hooks
        )

    def _filter_steps(self) -> Chain:
        """
        Merge `open_filter` and its short spelling into one chain, innermost first.
        """
        both = self._chains["open_filter"] + tuple(
            attrs.evolve(step, call=_opener(step))
            for step in self._chains["on_stream_chunk"]
        )
        return tuple(sorted(both, key=lambda step: step.position))[::-1]

    # --- the way in -------------------------------------------------------------------------

    async def pre_request(self, exchange: Exchange) -> Answer | None:
        """
        Offer the request to every plugin; stop at the first answer.
        """
        started = perf_counter_ns()
        for step in self._pre_request:
            exchange.at = step.position
            try:
                waiting = step.call(exchange)
                answer: Answer | None = await (
                    waiting if step.timeout_s is None else step.limited(waiting)
                )
                if answer is not None:
                    _check_type(answer, Answer)
            except FAULTS as exc:  # the failure policy is here
                step.failed(exchange, started, exc)
                started = perf_counter_ns()
                continue
            if answer is not None:
                exchange.turned_at = step.position
                step.done(exchange, started, "answered")
                return answer
            started = step.done(exchange, started, "passed")
        return None

    def choose_targets(
        self, exchange: Exchange, targets: Sequence[Target]
    ) -> Sequence[Target]:
        """
        Let every plugin narrow, weigh or reorder the targets.
        """
        for step in self._choose_targets:
            started = perf_counter_ns()
            try:
                chosen = tuple(step.call(exchange, targets))
                for target in chosen:
                    _check_type(target, Target)
            except FAULTS as exc:
                step.failed(exchange, started, exc)
                continue
            step.done(
                exchange, started, "passed" if chosen == tuple(targets) else "changed"
            )
            targets = chosen
        return targets

    async def before_attempt(self, exchange: Exchange, attempt: Attempt) -> None:
        """
        Let every plugin look at an upstream try, innermost first.

        ``attempt.entered_from`` is kept at the outermost plugin whose hook returned, also if the
        caller leaves in between, so that exactly those are told how it went.
        """
        attempt.entered_from = len(self.plugins)
        started = perf_counter_ns()
        for step in self._before_attempt:
            if step.position >= exchange.turned_at:
                continue
            try:
                waiting = step.call(exchange, attempt)
                await (waiting if step.timeout_s is None else step.limited(waiting))
            except FAULTS as exc:
                # Plugins between the last that returned and this one have no such hook.
                attempt.entered_from = step.position + 1
                step.failed(exchange, started, exc, attempt.number)
                started = perf_counter_ns()
                continue
            attempt.entered_from = step.position
            started = step.done(exchange, started, "passed", attempt.number)
        attempt.entered_from = 0

    # --- the way back -----------------------------------------------------------------------

    def open_taps(self, exchange: Exchange, attempt: Attempt) -> list[OpenTap]:
        """
        Open the taps of one attempt.
        """
        taps = []
        for step in self._open_tap:
            started = perf_counter_ns()
            try:
                tap = step.call(exchange, attempt)
            except FAULTS as exc:
                step.failed(exchange, started, exc, attempt.number)
                continue
            if tap is not None:
                taps.append(OpenTap(step, tap))
                step.done(exchange, started, "passed", attempt.number)
        return taps

    def open_filters(
        self, exchange: Exchange, attempt: Attempt | None, beyond: int = -1
    ) -> Pipeline | None:
        """
        Open the filters of one answer, innermost first; only plugins inside *beyond*.

        Returns:
            None if every plugin stays out.
        """
        stages = []
        for step in self._open_filter:
            if not beyond < step.position < exchange.turned_at:
                continue
            started = perf_counter_ns()
            number = attempt.number if attempt is not None else 0
            try:
                found = step.call(exchange, attempt)
            except FAULTS as exc:
                step.failed(exchange, started, exc, number)
                continue
            if found is not None:
                stages.append(
                    Stage(
                        filter=found,
                        name=step.name,
                        fails_open=step.fails_open,
                        timeout_s=step.timeout_s,
                    )
                )
                step.done(exchange, started, "passed", number)
        if not stages:
            return None
        return Pipeline(stages, partial(self._stage_failed, exchange.id))

    def _stage_failed(self, exchange_id: str, stage: Stage, exc: BaseException) -> None:
        stats = self.stats[stage.name]
        if isinstance(exc, ExchangeError):
            stats.refused += 1
            return
        stats.errors += 1
        stats.last_error = f"{type(exc).__name__} in a filter at {place_of(exc)}"
        log.error(
            "plugin failed",
            plugin=stage.name,
            hook="open_filter",
            error=type(exc).__name__,
            at=place_of(exc),
            request_id=exchange_id,
            fails_open=stage.fails_open,
        )

    async def close_filters(
        self, exchange: Exchange, pipeline: Pipeline, outcome: Outcome
    ) -> None:
        """
        Tell the filters how the stream ended, and put what they cost on the trail.
        """
        await pipeline.close(outcome)
        for stage in pipeline.stages:
            stats = self.stats[stage.name]
            stats.calls += stage.calls
            stats.total_ns += stage.ns
            said = "passed"
            if stage.failed is not None:
                is_refusal = isinstance(stage.failed, Refused)
                said = "refused" if is_refusal else "failed"
            exchange.trail.add(stage.name, "filter", said, "", stage.ns)

    async def post_response(self, exchange: Exchange, response: Response) -> Response:
        """
        Let every plugin outside the one that answered look at the answer.
        """
        started = perf_counter_ns()
        for step in self._post_response:
            if step.position >= exchange.turned_at:
                continue
            try:
                waiting = step.call(exchange, response)
                new = await (
                    waiting if step.timeout_s is None else step.limited(waiting)
                )
                if new is not None:
                    _check_type(new, Response)
            except FAULTS as exc:
                step.failed(exchange, started, exc)
                started = perf_counter_ns()
                continue
            started = step.done(
                exchange, started, "passed" if new is None else "changed"
            )
            if new is not None:
                response = new
        return response

    async def after_attempt(self, exchange: Exchange, attempt: Attempt) -> None:
        """
        Tell each plugin whose `before_attempt` returned how the try went; all of them.
        """
        started = perf_counter_ns()
        for step in self._after_attempt:
            if not attempt.entered_from <= step.position < exchange.turned_at:
                continue
            try:
                waiting = step.call(exchange, attempt)
                if waiting is not None:
                    await (waiting if step.timeout_s is None else step.limited(waiting))
            except FAULTS as exc:
                self._settled_badly(step, exchange, started, exc, attempt.number)
                started = perf_counter_ns()
                continue
            started = step.done(exchange, started, "passed", attempt.number)

    async def on_complete(self, exchange: Exchange) -> ExchangeError | None:
        """
        Tell every plugin how the exchange ended; all of them, whatever one of them raises.

        Returns:
            The first error that must not be passed over, or None.
        """
        worst: ExchangeError | None = None
        started = perf_counter_ns()
        for step in self._on_complete:
            try:
                waiting = step.call(exchange)
                if waiting is not None:
                    await (waiting if step.timeout_s is None else step.limited(waiting))
            except FAULTS as exc:
                error = self._settled_badly(step, exchange, started, exc)
                worst = worst or error
                started = perf_counter_ns()
                continue
            started = step.done(exchange, started, "passed")
        return worst

    @staticmethod
    def _settled_badly(
        step: Step,
        exchange: Exchange,
        started: int,
        exc: BaseException,
        attempt: int = 0,
    ) -> ExchangeError | None:
        try:
            step.failed(exchange, started, exc, attempt)
        except ExchangeError as error:
            return error
        return None

    # --- beside exchanges -------------------------------------------------------------------

    def publish(self, event: Event) -> None:
        """
        Tell every plugin of *event*.
        """
        for step in self._on_event:
            try:
                step.call(event)
            except FAULTS as exc:  # one listener hides nothing from others
                step.record(exc)

    async def settle_event(self, event: Event) -> None:
        """
        Wait until every plugin is done with *event*.

        Raises:
            ExchangeError: the first refusal; the others were waited for.
        """
        worst: ExchangeError | None = None
        for step in self._settle_event:
            try:
                waiting = step.call(event)
                await (waiting if step.timeout_s is None else step.limited(waiting))
            except ExchangeError as error:
                worst = worst or error
            except FAULTS as exc:  # as in `publish`
                step.record(exc)
        if worst is not None:
            raise worst

    async def list_models(
        self, exchange: Exchange, models: Sequence[ModelListing]
    ) -> Sequence[ModelListing]:
        """
        Let every plugin narrow the models that the caller is told of.
        """
        for step in self._list_models:
            started = perf_counter_ns()
            try:
                waiting = step.call(exchange, models)
                left = tuple(
                    await (waiting if step.timeout_s is None else step.limited(waiting))
                )
            except FAULTS as exc:
                step.failed(exchange, started, exc)
                continue
            step.done(
                exchange, started, "passed" if left == tuple(models) else "changed"
            )
            models = left
        return models

    async def recall(self, request_id: str) -> Mapping[str, Any] | None:
        """
        Ask who knows what became of an exchange; who fails is passed over.
        """
        for step in self._recall:
            try:
                waiting = step.call(request_id)
                found: Mapping[str, Any] | None = await (
                    waiting if step.timeout_s is None else step.limited(waiting)
                )
            except FAULTS as exc:  # the next may know
                step.record(exc)
                continue
            if found is not None:
                return found
        return None

    async def erase_subject(self, subject: str) -> list[tuple[str, str]]:
        """
        Ask every plugin to forget *subject*; returns (plugin, report) of those that did.

        Raises:
            PluginFailed: if one could not; the others were asked all the same.
        """
        reports = []
        failed: PluginFailed | None = None
        for step in self._erase_subject:
            try:
                report = await step.call(subject)
            except FAULTS as exc:
                step.record(exc)
                failed = failed or PluginFailed(step.name)
                continue
            if report is not None:
                reports.append((step.name, report))
        if failed is not None:
            raise failed
        return reports


@attrs.frozen(eq=False)
class OpenTap:
    """
    A tap, under its plugin's failure policy.
    """

    step: Step
    tap: Tap

    def see(self, exchange: Exchange, chunks: Sequence[Chunk]) -> None:
        """
        Show it *chunks*; a refusal passes, another failure is the plugin's.
        """
        started = perf_counter_ns()
        try:
            self.tap.see(chunks)
        except FAULTS as exc:
            self._failed(exchange, started, exc)

    def see_frames(
        self, exchange: Exchange, frames: Sequence[bytes], dialect: Dialect
    ) -> None:
        """
        Show it *frames*, likewise.
        """
        started = perf_counter_ns()
        try:
            self.tap.see_frames(frames, dialect)
        except FAULTS as exc:
            self._failed(exchange, started, exc)

    def _failed(self, exchange: Exchange, started: int, exc: BaseException) -> None:
        if not isinstance(exc, Refused):
            self.step.failed(exchange, started, exc)
            return
        self.step.stats.refused += 1
        self.step.done(exchange, started, "refused")
        raise exc

    def close(self, outcome: Outcome) -> None:
        """
        Tell it that the stream is over.
        """
        try:
            self.tap.close(outcome)
        except FAULTS as exc:
            self.step.record(exc)


def _opener(step: Step) -> Callable[[Exchange, Attempt | None], ChunkHook]:
    """
    Make an `open_filter` of the short spelling, ``on_stream_chunk``.
    """

    def open_filter(exchange: Exchange, _: Attempt | None) -> ChunkHook:
        return ChunkHook(partial(step.call, exchange))

    return open_filter


def _check_type(value: object, wanted: type) -> None:
    """
    See that a hook returned what it may, while it is known whose it is.
    """
    if not isinstance(value, wanted):
        msg = f"returned {type(value).__name__}, not {wanted.__name__}"
        raise TypeError(msg)
