"""
One line a request: who asked what of whom, how it ended, what it took.

The hot path only puts a row into a queue; a thread makes lines of rows and writes them in
batches.  If the log cannot keep up, rows are dropped, counted, and the loss is logged.

======================  ==================================================================
field                   meaning; a field that is not known is left out
======================  ==================================================================
``time``                when the request had ended, RFC 3339 in UTC
``level``               ``info``
``logger``              ``gateway.access``
``event``               ``request``
``request_id``          ours, also the receipt: ``req_…``
``client_request_id``   the caller's ``x-request-id``, cut and with odd characters replaced
``parent_id``           the request in whose course a plugin made this call
``peer``                the caller's network address
``method``              the HTTP method
``path``                the route as the route table writes it, never what the caller wrote
``dialect``             what the caller speaks: ``openai_chat``, …
``operation``           ``generate``, ``complete``, ``embed``, ``count_tokens``
``stream``              true if the answer was asked for as a stream
``status``              HTTP status that the caller was told
``outcome``             ``finished``, ``refused``, ``failed``, ``left``
``code``                the error's code, as in ``x-gw-code``
``provider``            who was asked last
``model``               what it was asked for, in the provider's words
``attempts``            how many tries at providers there were
``key_id``              id of the virtual key, which may be shown
``team``                id of its team
``duration_ms``         from the request's headers to its last event
``upstream_ms``         of that, waiting for providers
``first_event_ms``      from the request's headers to the first byte of a stream
``bytes_in``            of the request's body, decompressed
``bytes_out``           of the answer's body
``input_tokens``        as the providers said
``output_tokens``       as the providers said
``cost_usd``            where a price is known
======================  ==================================================================

No prompt, no answer, no credential and no other header ever stands in it.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import structlog

from gateway import codec
from gateway.clock import SystemClock, utc_text
from gateway.server.callers import BYTES_IN
from gateway.server.logs import printable

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.exchange import Exchange
    from gateway.server.logs import LogOutput
    from gateway.server.turned_away import TurnedAway

log = structlog.get_logger("gateway.access")

#: Lines that may wait for the writer.
MAX_WAITING: Final = 20_000
#: Seconds for which lines gather before they are written, and lines of one write.
GATHER_S: Final = 0.1
MAX_BATCH: Final = 500
#: Characters of a caller's own request id that are kept, and of other names.
MAX_CLIENT_ID: Final = 128
MAX_FOREIGN: Final = 128

_STOP_S: Final = 2.0
_ODD: Final = re.compile(r"[^A-Za-z0-9._:=+/@-]")

#: The fields of a line, in their order.
FIELDS: Final = (
    "time",
    "level",
    "logger",
    "event",
    "request_id",
    "client_request_id",
    "parent_id",
    "peer",
    "method",
    "path",
    "dialect",
    "operation",
    "stream",
    "status",
    "outcome",
    "code",
    "provider",
    "model",
    "attempts",
    "key_id",
    "team",
    "duration_ms",
    "upstream_ms",
    "first_event_ms",
    "bytes_in",
    "bytes_out",
    "input_tokens",
    "output_tokens",
    "cost_usd",
)
Fields = dict[str, Any]


class AccessLog:
    """
    Writes the access lines of one worker.

    A line is made where the exchange ends, and only written by a
    thread, for nobody knows how long that takes.  A thread that made them as well would ask
    the event loop for the interpreter all the time: 4 to 9 microseconds more a request.

    Args:
        output: From `gateway.server.logs.configure_logging`.
        waiting: Lines that may wait; more are lost.
    """

    def __init__(
        self,
        output: LogOutput,
        *,
        clock: Clock | None = None,
        waiting: int = MAX_WAITING,
    ) -> None:
        self._output = output
        self._clock = clock or SystemClock()
        self._waiting = waiting
        self._lines: deque[bytes] = deque()
        self._is_awake = False
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        #: Lines that were dropped because too many waited.
        self.lost = 0
        self._told_lost = 0

    # --- on the hot path --------------------------------------------------------------------

    def observe(self, exchange: Exchange) -> None:
        """
        Note *exchange*, which has ended; goes on the gateway's ``observers``.
        """
        if len(self._lines) < self._waiting:
            self._put(fields_of(exchange))
        else:
            self.lost += 1

    def turned_away(self, away: TurnedAway) -> None:
        """
        Note a request that never became an exchange.
        """
        if len(self._lines) < self._waiting:
            self._put(fields_of_refusal(away, self._clock.now()))
        else:
            self.lost += 1

    def _put(self, fields: Fields) -> None:
        make = _text_line if self._output.is_text else _json_line
        self._lines.append(make(fields))
        if not self._is_awake:
            self._is_awake = True
            self._wake.set()

    # --- in the writer's thread -------------------------------------------------------------

    def start(self) -> None:
        """
        Start to write.
        """
        self._thread = threading.Thread(
            target=self._write_on, name="access log", daemon=True
        )
        self._thread.start()

    async def stop(self) -> None:
        """
        Write what waits, and stop.
        """
        thread = self._thread
        if thread is None:
            return
        self._stopping.set()
        self._wake.set()
        await asyncio.to_thread(thread.join, _STOP_S)
        self._thread = None

    def _write_on(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait()
            self._stopping.wait(GATHER_S)
            self._wake.clear()
            # Before the queue is emptied, so that whoever puts a line later wakes us again.
            self._is_awake = False
            self._write_waiting()
        self._write_waiting()

    def _write_waiting(self) -> None:
        waiting = self._lines
        while waiting:
            count = min(len(waiting), MAX_BATCH)
            self._output.write(b"".join([waiting.popleft() for _ in range(count)]))
        if self.lost != self._told_lost:
            lost, self._told_lost = self.lost - self._told_lost, self.lost
            log.warning("access lines lost", lines=lost, waiting=self._waiting)


# --- lines ----------------------------------------------------------------------------------


def fields_of(exchange: Exchange) -> Fields:
    """
    Make the fields of the line of *exchange*, in their order; those not known are left out.
    """
    ended_at, duration_s = exchange.when_ended()
    error, who = exchange.error, exchange.identity
    attempts = exchange.attempts
    fields: Fields = {
        "time": _time_text(ended_at),
        "level": "info",
        "logger": "gateway.access",
        "event": "request",
        "request_id": exchange.id,
    }
    client_id = exchange.headers.get("x-request-id")
    if client_id:
        fields["client_request_id"] = _client_id(client_id)
    if exchange.parent is not None:
        fields["parent_id"] = exchange.parent.id
    if exchange.peer:
        fields["peer"] = _clean(exchange.peer)
    fields["method"] = "POST"
    if exchange.path:
        fields["path"] = exchange.path
    fields["dialect"] = exchange.dialect.name
    fields["operation"] = exchange.operation
    if exchange.request.is_stream:
        fields["stream"] = True
    if exchange.status is not None:
        fields["status"] = exchange.status
    if exchange.outcome is not None:
        fields["outcome"] = exchange.outcome.value
    if error is not None:
        fields["code"] = _clean(error.code)
    if attempts:
        target = attempts[-1].target
        fields["provider"] = _clean(target.provider)
        fields["model"] = _clean(target.model)
    fields["attempts"] = len(attempts)
    if who is not None:
        fields["key_id"] = _clean(who.key_id)
        if who.team_id:
            fields["team"] = _clean(who.team_id)
    _add_measured(fields, exchange, duration_s)
    return fields


def _add_measured(fields: Fields, exchange: Exchange, duration_s: float) -> None:
    """
    Add what was measured: times, sizes, tokens, cost.
    """
    began = exchange.started_at
    fields["duration_ms"] = _ms(duration_s)
    waited, tokens_in, tokens_out = _totals(exchange, began + duration_s)
    if waited is not None:
        fields["upstream_ms"] = _ms(waited)
    first = exchange.first_event_at
    if first is not None and "stream" in fields and (exchange.status or 0) < 400:
        fields["first_event_ms"] = _ms(first - began)
    bytes_in = exchange.stash.get(BYTES_IN)
    if bytes_in is not None:
        fields["bytes_in"] = bytes_in
    fields["bytes_out"] = exchange.bytes_sent
    if tokens_in is not None:
        fields["input_tokens"] = tokens_in
        fields["output_tokens"] = tokens_out
    if exchange.cost_nano is not None:
        fields["cost_usd"] = exchange.cost_nano / 1e9


def fields_of_refusal(away: TurnedAway, now: float) -> Fields:
    """
    Do the same for a request that never became an exchange.
    """
    fields = {
        "time": _time_text(now),
        "level": "info",
        "logger": "gateway.access",
        "event": "request",
        "request_id": away.request_id,
        "client_request_id": _client_id(away.client_request_id),
        "peer": _clean(away.peer),
        "method": away.method,
        "path": away.path,
        "dialect": away.dialect,
        "operation": away.operation,
        "status": away.status,
        "outcome": "refused" if away.code else "finished",
        "code": _clean(away.code),
        "duration_ms": _ms(away.duration_s),
        "bytes_out": away.bytes_out,
    }
    return {name: value for name, value in fields.items() if value != ""}


def _client_id(text: str) -> str:
    """
    Cut and clean a caller's own request id.
    """
    return _ODD.sub("_", text[:MAX_CLIENT_ID])


def _clean(text: str) -> str:
    """
    Cut and clean what callers, operators or plugins chose.
    """
    if len(text) <= MAX_FOREIGN and text.isprintable():
        return text
    return printable(text, MAX_FOREIGN)


def _ms(seconds: float) -> float:
    return int(seconds * 1e6 + 0.5) / 1000  # `round` takes three times as long


def _totals(
    exchange: Exchange, now: float
) -> tuple[float | None, int | None, int | None]:
    """
    Sum the seconds spent waiting and the tokens of every attempt.
    """
    waited = tokens_in = tokens_out = None
    for attempt in exchange.attempts:
        if attempt.sent_at is not None:
            ended = attempt.ended_at
            waited = (waited or 0) + (now if ended is None else ended) - attempt.sent_at
        usage = attempt.usage
        if usage is not None:
            tokens_in = (tokens_in or 0) + usage.total_input
            tokens_out = (tokens_out or 0) + usage.total_output
    return waited, tokens_in, tokens_out


def _time_text(seconds: float) -> str:
    whole = int(seconds)
    return f"{_second_text(whole)}{int((seconds - whole) * 1000):03d}Z"


@lru_cache(maxsize=8)
def _second_text(whole: int) -> str:
    """
    Write all but the milliseconds, which many lines share.
    """
    return utc_text(whole)[:-4]


def _json_line(fields: Fields) -> bytes:
    return codec.dumps(fields) + b"\n"


def _text_line(fields: dict[str, Any]) -> bytes:
    """
    Write the line for somebody who looks on.
    """
    words = [
        fields["time"][11:23],
        str(fields.get("status", "-")),
        fields.get("method", "-"),
        fields.get("path", "-"),
    ]
    if "provider" in fields:
        words.append(f"{fields['provider']}/{fields['model']}")
    if "code" in fields:
        words.append(fields["code"])
    words.append(f"{fields['duration_ms']:.0f} ms")
    if "input_tokens" in fields:
        words.append(f"{fields['input_tokens']}+{fields['output_tokens']} tokens")
    if "cost_usd" in fields:
        words.append(f"${fields['cost_usd']:.6f}")
    words.append(fields["request_id"])
    return " ".join(words).encode() + b"\n"
