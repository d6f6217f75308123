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
import time
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

#: Rows that may wait for the writer.
MAX_WAITING: Final = 20_000
#: Seconds for which rows gather before they are written, and lines of one write.
GATHER_S: Final = 0.1
MAX_BATCH: Final = 500
#: Characters of a caller's own request id that are kept, and of other names.
MAX_CLIENT_ID: Final = 128
MAX_FOREIGN: Final = 128

_STOP_S: Final = 2.0
#: Lines after which the writer lets the event loop have the interpreter.
_YIELD_LINES: Final = 25
#: Fields whose text others chose: callers, operators, plugins.
_FOREIGN: Final = ("peer", "code", "provider", "model", "key_id", "team")
_SECONDS: Final = ("duration_ms", "upstream_ms", "first_event_ms")
_ODD: Final = re.compile(r"[^A-Za-z0-9._:=+/@-]")

#: The fields of a row and of a line, in their order.
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
Row = tuple[Any, ...]


class AccessLog:
    """
    Writes the access lines of one worker.

    Args:
        output: From `gateway.server.logs.configure_logging`.
        waiting: Rows that may wait; more are lost.
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
        self._rows: deque[Row] = deque()
        self._is_awake = False
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        #: Rows that were dropped because too many waited.
        self.lost = 0
        self._told_lost = 0

    # --- on the hot path --------------------------------------------------------------------

    def observe(self, exchange: Exchange) -> None:
        """
        Note *exchange*, which has ended; goes on the gateway's ``observers``.
        """
        if len(self._rows) < self._waiting:
            self._put(self._row_of(exchange))
        else:
            self.lost += 1

    def turned_away(self, away: TurnedAway) -> None:
        """
        Note a request that never became an exchange.
        """
        if len(self._rows) < self._waiting:
            self._put(self._row_of_refusal(away))
        else:
            self.lost += 1

    def _put(self, row: Row) -> None:
        self._rows.append(row)
        if not self._is_awake:
            self._is_awake = True
            self._wake.set()

    def _row_of(self, exchange: Exchange) -> Row:
        clock = exchange.clock
        began = exchange.started_at
        ended = clock.monotonic()
        error, who = exchange.error, exchange.identity
        attempts = exchange.attempts
        target = attempts[-1].target if attempts else None
        is_stream = exchange.request.is_stream
        first = exchange.first_event_at
        if not is_stream or (exchange.status or 0) >= 400:
            first = None
        waited, tokens_in, tokens_out = _totals(exchange, ended)
        return (
            clock.now(),
            "info",
            "gateway.access",
            "request",
            exchange.id,
            exchange.headers.get("x-request-id", "")[:MAX_CLIENT_ID],
            exchange.parent.id if exchange.parent is not None else None,
            exchange.peer,
            "POST",
            exchange.path,
            exchange.dialect.name,
            exchange.operation,
            is_stream or None,
            exchange.status,
            exchange.outcome.value if exchange.outcome is not None else None,
            error.code if error is not None else None,
            target.provider if target is not None else None,
            target.model if target is not None else None,
            len(attempts),
            who.key_id if who is not None else None,
            who.team_id if who is not None else None,
            ended - began,
            waited,
            first - began if first is not None else None,
            exchange.stash.get(BYTES_IN),
            exchange.bytes_sent,
            tokens_in,
            tokens_out,
            exchange.cost_nano,
        )

    def _row_of_refusal(self, away: TurnedAway) -> Row:
        return (
            self._clock.now(),
            "info",
            "gateway.access",
            "request",
            away.request_id,
            away.client_request_id[:MAX_CLIENT_ID],
            None,
            away.peer,
            away.method,
            away.path,
            away.dialect,
            away.operation,
            None,
            away.status,
            "refused" if away.code else "finished",
            away.code,
            None,
            None,
            None,
            None,
            None,
            away.duration_s,
            None,
            None,
            None,
            away.bytes_out,
            None,
            None,
            None,
        )

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
            # Before the queue is emptied, so that whoever puts a row later wakes us again.
            self._is_awake = False
            self._write_waiting()
        self._write_waiting()

    def _write_waiting(self) -> None:
        while self._rows:
            lines: list[bytes] = []
            while self._rows and len(lines) < MAX_BATCH:
                lines.append(self._line(self._rows.popleft()))
                if len(lines) % _YIELD_LINES == 0:
                    time.sleep(0)
            self._output.write(b"".join(lines))
        if self.lost != self._told_lost:
            lost, self._told_lost = self.lost - self._told_lost, self.lost
            log.warning("access lines lost", lines=lost, waiting=self._waiting)

    def _line(self, row: Row) -> bytes:
        fields = fields_of(row)
        if self._output.is_text:
            return _text_line(fields)
        return codec.dumps(fields) + b"\n"


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


def fields_of(row: Row) -> dict[str, Any]:
    """
    Make the fields of a line, in their order, cleaned; those not known are left out.
    """
    fields = dict(zip(FIELDS, row, strict=True))
    fields["time"] = _time_text(row[0])
    if fields["client_request_id"]:
        fields["client_request_id"] = _ODD.sub("_", fields["client_request_id"])
    for name in _FOREIGN:
        text = fields[name]
        if text and not (text.isprintable() and len(text) <= MAX_FOREIGN):
            fields[name] = printable(text, MAX_FOREIGN)
    for name in _SECONDS:
        seconds = fields[name]
        if seconds is not None:
            fields[name] = round(seconds * 1000, 3)
    if fields["cost_usd"] is not None:
        fields["cost_usd"] /= 1e9
    return {
        name: value
        for name, value in fields.items()
        if value is not None and value != ""
    }


def _time_text(seconds: float) -> str:
    whole = int(seconds)
    return f"{_second_text(whole)}{int((seconds - whole) * 1000):03d}Z"


@lru_cache(maxsize=8)
def _second_text(whole: int) -> str:
    """
    Write all but the milliseconds, which many lines share.
    """
    return utc_text(whole)[:-4]


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
