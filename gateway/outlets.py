"""
The way out of one exchange: filters, the last hooks, the writes.
"""

from __future__ import annotations

import contextlib
from math import ceil
from typing import TYPE_CHECKING, Final, Protocol

from gateway.errors import BudgetExceeded, ExchangeError, NotAuthenticated, Refused
from gateway.exchange import Outcome
from gateway.outcomes import Losses
from gateway.received import UNREADABLE, unreadable
from gateway.views import Chunk

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterable, Sequence

    from gateway.dialects import Tracker
    from gateway.exchange import Answer, Attempt, Exchange
    from gateway.filters import Pipeline
    from gateway.hooks import Hooks
    from gateway.settlement import Settlement
    from gateway.sinks import Sink
    from gateway.tasks import Tasks
    from gateway.views import Response

_ERROR = 400
_OK = 200
#: Of a longer stream no whole answer is put together for `post_response`.
MAX_ASSEMBLED_BYTES: Final = 64 * 1024 * 1024
_TOO_LONG: Final = "the stream is too long to be put together"
#: What Anthropic's coding agent sends with every request.
_AGENT = "X-Claude-Code-Session-Id"
_NO_RETRY = {"x-should-retry": "false"}
#: Where a vendor's SDK looks for the request id.
_REQUEST_ID = {"openai": "x-request-id", "anthropic": "request-id"}


class Outlet(Protocol):
    """
    Takes the answer of one attempt after another, until one got out.

    Attributes:
        is_committed: Something got out: no other attempt may follow.
        wants_chunks: Frames will not do, for somebody looks into them.
        passes_at_once: `pass_at_once` may be worth trying.
    """

    @property
    def is_committed(self) -> bool: ...  # noqa: D102 - told above

    @property
    def wants_chunks(self) -> bool: ...  # noqa: D102

    @property
    def passes_at_once(self) -> bool: ...  # noqa: D102

    async def begin(self, attempt: Attempt | None) -> None:
        """
        Make ready for the stream of *attempt*.
        """

    async def frames(self, frames: Sequence[bytes]) -> None:
        """
        Take frames in the caller's dialect.
        """

    def pass_at_once(self, frames: Sequence[bytes], data: bytes) -> bool:
        """
        Take frames, joined *data*, of which none ends the stream, if nobody has to wait.

        Returns:
            Whether they were taken; those that were not go to `frames`.
        """

    async def chunks(self, chunks: Sequence[Chunk]) -> None:
        """
        Take chunks in the caller's dialect.
        """

    async def end(self) -> None:
        """
        Take note that the stream ended well.
        """

    async def whole(self, response: Response, attempt: Attempt | None) -> None:
        """
        Take a whole answer, or a provider's error.
        """

    async def discard(self) -> None:
        """
        Drop what the attempt brought so far.
        """


class CallerOutlet:
    """
    An `Outlet` that leads to the caller.
    """

    __slots__ = (
        "_dialect",
        "_exchange",
        "_hooks",
        "_kept",
        "_kept_bytes",
        "_last",
        "_loop",
        "_ping",
        "_pipeline",
        "_settlement",
        "_sink",
        "_tasks",
        "_tracker",
        "_written_at",
    )

    def __init__(
        self,
        exchange: Exchange,
        sink: Sink,
        hooks: Hooks,
        settlement: Settlement,
        tasks: Tasks,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._exchange = exchange
        self._sink = sink
        self._hooks = hooks
        self._settlement = settlement
        self._tasks = tasks
        self._loop = loop
        self._dialect = exchange.dialect
        self._pipeline: Pipeline | None = None
        self._tracker: Tracker | None = None
        self._last: list[bytes] = []
        self._kept: list[bytes] | None = [] if hooks.has_post_response else None
        self._kept_bytes = 0
        self._ping: asyncio.TimerHandle | None = None
        self._written_at = 0.0

    @property
    def is_committed(self) -> bool:
        """
        Whether the caller was sent anything.
        """
        return self._exchange.is_committed

    @property
    def wants_chunks(self) -> bool:
        """
        Whether a filter is open.
        """
        return self._pipeline is not None

    @property
    def passes_at_once(self) -> bool:
        """
        Whether frames can go on without anybody's looking or waiting.
        """
        return (
            self._exchange.is_committed
            and self._pipeline is None
            and self._sink.writes_at_once
        )

    # --- streams ----------------------------------------------------------------------------

    async def begin(self, attempt: Attempt | None) -> None:
        """
        Open the filters.
        """
        self._pipeline = self._hooks.open_filters(self._exchange, attempt)
        if self._tracker is None:
            self._tracker = self._dialect.tracker(self._exchange.request)
            self._written_at = self._loop.time()
            self._arm_ping()

    async def frames(self, frames: Sequence[bytes]) -> None:
        """
        Send frames as they came.
        """
        if self._pipeline is not None:
            await self.chunks([Chunk(self._dialect, frame) for frame in frames])
            return
        await self._emit(frames)

    def pass_at_once(self, frames: Sequence[bytes], data: bytes) -> bool:
        """
        Send frames as they came, unless the caller is slow or has left.
        """
        if self._last or not self._sink.try_write(data):
            return False
        if self._kept is not None:
            self._keep(frames, len(data))
        if self._tracker is not None:
            self._tracker.note_all(frames, data)
        self._written_at = self._loop.time()
        self._exchange.bytes_sent += len(data)
        return True

    async def chunks(self, chunks: Sequence[Chunk]) -> None:
        """
        Send chunks through the filters.
        """
        if self._pipeline is not None:
            chunks = await self._pipeline.feed(chunks)
        await self._emit([chunk.encode() for chunk in chunks])

    async def end(self) -> None:
        """
        Flush the filters, settle, then send what closes the stream.
        """
        if self._pipeline is not None:
            held = await self._pipeline.flush()
            await self._emit([chunk.encode() for chunk in held])
        if not self.is_committed:
            await self._commit()
        await self._close_filters(Outcome.FINISHED)
        await self._show_assembled()
        exchange = self._exchange
        exchange.outcome = Outcome.FINISHED
        error = await self._settlement.complete()
        if error is not None:
            await self._cut(error)
            return
        self.fall_silent()
        last = b"".join(self._last)
        exchange.bytes_sent += len(last)
        await self._sink.end(last)

    async def discard(self) -> None:
        """
        Drop what the filters hold and what waits for the end.
        """
        self._last = []
        if self._kept is not None:
            self._kept, self._kept_bytes = [], 0
        await self._close_filters(Outcome.FAILED)

    async def _emit(self, frames: Sequence[bytes]) -> None:
        """
        Write *frames*; the one that ends the stream, and what follows it, waits for `end`.
        """
        if not frames:
            return
        if self._last:
            self._last += frames
            return
        data = frames[0] if len(frames) == 1 else b"".join(frames)
        if self._kept is not None:
            self._keep(frames, len(data))
        end = self._dialect.end_in(frames, data)
        if end is not None:  # it, and what follows it, waits
            self._last = list(frames[end:])
            frames = frames[:end]
            data = b"".join(frames)
        if data:
            if self._tracker is not None:
                self._tracker.note_all(frames, data)
            if not self._exchange.is_committed:
                await self._commit()
            await self._write(data)

    async def _commit(self) -> None:
        exchange = self._exchange
        exchange.is_committed = True
        exchange.status = _OK
        exchange.first_event_at = exchange.clock.monotonic()
        headers = answer_headers(exchange)
        headers["Content-Type"] = "text/event-stream"
        headers["Cache-Control"] = "no-store"
        headers["X-Accel-Buffering"] = "no"
        try:
            await self._sink.start(_OK, headers)
        except ValueError:
            exchange.is_committed = False
            raise

    async def _write(self, data: bytes) -> None:
        self._written_at = self._loop.time()
        self._exchange.bytes_sent += len(data)
        await self._sink.write(data)

    def _keep(self, frames: Sequence[bytes], size: int) -> None:
        """
        Keep what the answer is put together from, as long as that is no more than anybody's.
        """
        if self._kept is None:
            return
        self._kept += frames
        self._kept_bytes += size
        if self._kept_bytes > MAX_ASSEMBLED_BYTES:
            self._kept = None
            self._exchange.trail.add("core", "post_response", "failed", _TOO_LONG)

    async def _show_assembled(self) -> None:
        if self._kept is None:
            return
        exchange = self._exchange
        response = self._assemble(self._kept)
        if response is None:
            return
        exchange.response = response
        # Too late to change anything; what was raised stands on the trail.
        with contextlib.suppress(ExchangeError):
            await self._hooks.post_response(exchange, response)

    def _assemble(self, frames: Sequence[bytes]) -> Response | None:
        from gateway.assembly import assemble

        return assemble(self._dialect, frames, self._exchange.request)

    async def _close_filters(self, outcome: Outcome) -> None:
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            await self._hooks.close_filters(self._exchange, pipeline, outcome)

    # --- keeping a silent stream alive ------------------------------------------------------

    def _arm_ping(self) -> None:
        after = self._exchange.settings.server.stream_ping_s
        due = self._written_at + after
        self._ping = self._loop.call_at(due, self._ping_due, after)

    def _ping_due(self, after: float) -> None:
        if self._loop.time() - self._written_at >= after:
            self._written_at = self._loop.time()
            self._tasks.spawn(self._send_ping(), name="ping")
        self._arm_ping()

    async def _send_ping(self) -> None:
        if not self._exchange.is_committed:
            await self._commit()
        await self._sink.write(self._dialect.ping)

    def fall_silent(self) -> None:
        """
        Send no more pings.
        """
        if self._ping is not None:
            self._ping.cancel()
            self._ping = None

    # --- whole answers ----------------------------------------------------------------------

    async def whole(self, response: Response, attempt: Attempt | None) -> None:
        """
        Filter a whole answer, show it to the plugins, settle, and send it.
        """
        exchange = self._exchange
        if exchange.is_committed or (
            exchange.request.is_stream and response.status < _ERROR
        ):
            await self._as_stream(response, attempt)
            return
        if self._hooks.has_filters:
            self._pipeline = self._hooks.open_filters(exchange, attempt)
            if self._pipeline is not None:
                await self._pipeline.feed_response(response)
                await self._close_filters(Outcome.FINISHED)
        if self._hooks.has_post_response:
            response = await self._hooks.post_response(exchange, response)
        exchange.response = response
        exchange.outcome = Outcome.FINISHED
        await self._send(response)

    async def _as_stream(self, response: Response, attempt: Attempt | None) -> None:
        """
        Tell a whole answer as a stream to a caller who asked for one.
        """
        from gateway.assembly import events_of

        dialect = self._dialect
        writer = dialect.stream_writer(self._exchange.request, Losses())
        await self.begin(attempt)
        try:
            answer = dialect.read_answer(response)
        except UNREADABLE as exc:
            if attempt is None:  # a plugin's
                raise
            raise unreadable() from exc
        for event in events_of(answer):
            await self.chunks(list(writer.write(event)))
        await self.end()

    async def answer(self, answer: Answer) -> None:
        """
        Send what a plugin answered.
        """
        if answer.response is not None:
            await self.whole(answer.response, None)
        elif answer.chunks is not None:
            if self._exchange.request.is_stream:
                await self.begin(None)
                async for chunk in answer.chunks:
                    # Kept as it came, by somebody who did not look into it.
                    if self._pipeline is None or _is_sound(chunk):
                        await self.chunks((chunk,))
                await self.end()
            else:
                await self.whole(await self._assembled(answer.chunks), None)

    async def _assembled(self, chunks: AsyncIterable[Chunk]) -> Response:
        frames = [chunk.encode() async for chunk in chunks]
        response = self._assemble(frames)
        if response is None:
            msg = "the answer cannot be put together into a whole one"
            raise ExchangeError(msg)
        return response

    async def _send(self, response: Response) -> None:
        exchange = self._exchange
        exchange.status = response.status
        error = await self._settlement.complete()
        if error is not None:
            exchange.error = error
            response = self._dialect.error_response(error, exchange.id)
            exchange.status = response.status
        body = response.encode()
        exchange.bytes_sent += len(body)
        exchange.is_committed = True
        if exchange.first_event_at is None:
            exchange.first_event_at = exchange.clock.monotonic()
        headers = answer_headers(exchange)
        headers["Content-Type"] = "application/json"
        headers.update(response.headers)
        try:
            await self._sink.whole(response.status, headers, body)
        except ValueError:  # no head, so nothing left
            exchange.is_committed = False
            raise

    # --- failures ---------------------------------------------------------------------------

    async def fail(self, error: ExchangeError) -> None:
        """
        Tell the caller of *error*: with its status, or as the end of a stream under way.
        """
        exchange = self._exchange
        error = as_told(error, exchange)
        is_refusal = isinstance(error, Refused)
        exchange.outcome = Outcome.REFUSED if is_refusal else Outcome.FAILED
        exchange.error = error
        self.fall_silent()
        await self._close_filters(exchange.outcome)
        if exchange.is_committed:
            worse = await self._settlement.complete()
            await self._cut(worse or error)
            return
        try:
            await self._send(self._dialect.error_response(error, exchange.id))
        except ValueError:
            # A header that no answer can hold, whoever set it: the caller hears without them.
            exchange.upstream_headers = {}
            exchange.response_headers.clear()
            error.headers = {}
            await self._send(self._dialect.error_response(error, exchange.id))

    async def _cut(self, error: ExchangeError) -> None:
        self.fall_silent()
        exchange = self._exchange
        exchange.error = error
        if self._tracker is not None:
            chunks = self._dialect.cut(self._tracker, error)
            await self._write(b"".join(chunk.encode() for chunk in chunks))
        await self._sink.end()

    async def left(self) -> None:
        """
        Let go of everything: the caller is gone.
        """
        self.fall_silent()
        await self._close_filters(Outcome.LEFT)


def _is_sound(chunk: Chunk) -> bool:
    """
    Take out of *chunk* what no view shows; tell whether anything is left to send.

    Raises:
        UpstreamError: it cannot be read.
    """
    try:
        chunk.doc  # noqa: B018 - a document that cannot be read is no plugin's fault
    except UNREADABLE as exc:
        raise unreadable() from exc
    return chunk.strip()


def as_told(error: ExchangeError, exchange: Exchange) -> ExchangeError:
    """
    Return *error* in the form in which this caller understands it.

    Anthropic's coding agent tries again after 402, and stops at a 429 that says not to; nor
    does a credential get better by being sent again.
    Source: Anthropic, "LLM gateway" protocol for Claude Code.
    """
    if exchange.dialect.vendor != "anthropic" or _AGENT not in exchange.headers:
        return error
    if isinstance(error, NotAuthenticated):
        error.headers = {**error.headers, **_NO_RETRY}
    if isinstance(error, BudgetExceeded):
        return BudgetExceeded(
            str(error),
            status=429,
            code=error.code,
            headers={**error.headers, **_NO_RETRY},
            details=error.details,
        )
    return error


def answer_headers(exchange: Exchange) -> dict[str, str]:
    """
    Return the headers that tell the caller what happened to the exchange so far.
    """
    headers = {
        **exchange.upstream_headers,
        "x-gw-request-id": exchange.id,
        _REQUEST_ID.get(exchange.dialect.vendor, "x-request-id"): exchange.id,
    }
    attempt = exchange.attempt
    if attempt is not None:
        headers["x-gw-provider"] = attempt.target.provider
        headers["x-gw-model"] = attempt.target.model
        headers["x-gw-attempts"] = str(len(exchange.attempts))
    if exchange.cost_nano is not None:
        headers["x-gw-cost-usd"] = f"{exchange.cost_nano / 1e9:.9f}"
    losses = exchange.losses
    is_told = exchange.settings.server.translation == "warn"
    if is_told and losses is not None and losses.found:
        headers["x-gw-translation"] = losses.header()
    headers.update(exchange.response_headers)
    error = exchange.error
    if error is not None:
        # Over what plugins noted: of two limits the one that refuses is to be told.
        headers["x-gw-code"] = error.code
        if error.retry_after_s is not None:
            headers["retry-after"] = str(max(1, ceil(error.retry_after_s)))
        headers.update(error.headers)
    if exchange.settings.server.server_timing:
        timing = server_timing(exchange)
        if timing:
            headers["Server-Timing"] = timing
    return headers


def server_timing(exchange: Exchange) -> str:
    """
    Render each plugin's time so far, and the upstream's, as a ``Server-Timing`` value.

    Source: W3C Server Timing, durations in milliseconds.
    """
    entries = []
    if exchange.trail.said:
        spent = exchange.trail.time_by_plugin()
        entries = [f"{name};dur={ns / 1e6:.3f}" for name, ns in spent.items() if ns]
    attempt = exchange.attempt
    if attempt is not None and attempt.sent_at is not None:
        until = attempt.first_event_at or attempt.ended_at
        if until is not None:
            entries.append(f"upstream;dur={(until - attempt.sent_at) * 1000:.3f}")
    return ", ".join(entries)
