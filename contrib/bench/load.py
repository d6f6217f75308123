"""
The load: callers that each ask again as soon as they were answered.

A program of its own, so that its CPU time is nobody else's.  Takes jobs as JSON lines on
standard input, tells each result as a line on standard output, ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from time import perf_counter
from typing import Any, Final, cast

import attrs

from bench import messages
from bench.loops import new_runner

#: Seconds that answers may take once no more requests are sent.
GRACE_S: Final = 10.0
#: Faults after which a job ends early.
MOST_FAULTS: Final = 50
_CONNECT_AT_ONCE: Final = 50

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE)
_LAST_CHUNK: Final = b"\r\n0\r\n\r\n"


@attrs.frozen(kw_only=True)
class Job:
    """
    One piece of load on one subject.

    Attributes:
        model: names the answer wanted, behind the subject's prefix.
        size: bytes of the prompt.
        callers: connections, each with one request at a time.
        seconds: how long new requests are sent.
        most: requests after which none are sent, whatever the time.
        hold: keep the callers connected, each with a stream that goes on, until the
            next job; the result comes when each has had its first bytes.
        per_s: requests a second, of all callers together, at even distances; 0 is as
            many as there are answers.
    """

    host: str
    port: int
    path: str
    key: str
    model: str
    size: int = 200
    callers: int = 1
    seconds: float = 1.0
    most: int = 1_000_000
    hold: bool = False
    per_s: float = 0.0

    @property
    def kind(self) -> str:
        """
        How the upstream answers.
        """
        return self.model.rpartition("/")[2]

    def request(self) -> bytes:
        """
        Write the request that every caller sends.
        """
        return messages.chat_request(
            authority=f"{self.host}:{self.port}",
            path=self.path,
            model=self.model,
            size=self.size,
            is_stream=self.kind != messages.WHOLE,
            key=self.key,
        )


@attrs.frozen(kw_only=True)
class Result:
    """
    What one job found.

    Attributes:
        requests: answered, whole and well.
        seconds: from the first request sent to the last answer.
        p50_ms: of the time from a request sent to its answer's last byte.
        first_p50_ms: of the time to the first byte of the answer's body.
        reads: pieces in which answers arrived, one event each if all is well.
        faults: answers that were not what was asked for, and lost connections.
        fault: the first of them.
    """

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    first_p50_ms: float
    first_p99_ms: float
    reads: int
    faults: int
    fault: str


@attrs.define(eq=False)
class Tally:
    """
    The callers of one job, together.
    """

    job: Job
    request: bytes = attrs.field(init=False)
    until: float = 0.0
    asked: int = 0
    open: int = 0
    reads: int = 0
    took: list[float] = attrs.field(factory=list)
    first: list[float] = attrs.field(factory=list)
    began: float = 0.0
    ended: float = 0.0
    faults: int = 0
    fault: str = ""
    is_over: asyncio.Event = attrs.field(factory=asyncio.Event)
    callers: set[Caller] = attrs.field(factory=set)
    _tasks: set[asyncio.Task[None]] = attrs.field(factory=set)

    def __attrs_post_init__(self) -> None:
        self.request = self.job.request()

    def may_ask(self, now: float) -> bool:
        """
        Say whether one more request is to be sent.
        """
        if now >= self.until or self.asked >= self.job.most:
            return False
        return self.faults < MOST_FAULTS

    def fail(self, fault: str) -> None:
        """
        Count what went wrong.
        """
        self.faults += 1
        self.fault = self.fault or fault

    def leave(self, caller: Caller, now: float, *, wants_more: bool) -> None:
        """
        Let *caller* go, and take on another where it had work left.
        """
        self.callers.discard(caller)
        if wants_more and self.may_ask(now):
            task = asyncio.get_running_loop().create_task(self._connect_and_ask())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        self.open -= 1
        if self.open == 0:
            self.is_over.set()

    async def connect(self) -> Caller:
        """
        Connect one caller, who does not ask yet.
        """
        loop = asyncio.get_running_loop()
        _, caller = await loop.create_connection(
            lambda: Caller(self), self.job.host, self.job.port
        )
        self.callers.add(caller)
        return caller

    async def _connect_and_ask(self) -> None:
        try:
            caller = await self.connect()
        except OSError as error:
            self.fail(f"cannot connect again: {error}")
            self.open -= 1
            if self.open == 0:
                self.is_over.set()
            return
        caller.ask()

    def result(self) -> Result:
        """
        Sum it up.
        """
        return Result(
            requests=len(self.took),
            seconds=max(self.ended - self.began, 0.0),
            p50_ms=percentile(self.took, 50) * 1000,
            p99_ms=percentile(self.took, 99) * 1000,
            first_p50_ms=percentile(self.first, 50) * 1000,
            first_p99_ms=percentile(self.first, 99) * 1000,
            reads=self.reads,
            faults=self.faults,
            fault=self.fault,
        )


class Caller(asyncio.Protocol):
    """
    One connection, with one request at a time on it.
    """

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._transport: asyncio.Transport
        self._is_waiting = False
        self._began = 0.0
        self._first_at = 0.0
        self._got = b""
        self._body_at = -1
        self._length: int | None = None
        self._is_chunked = False
        self._closes = False
        self._due = 0.0
        self.has_first = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's, but for their methods.
        self._transport = cast("asyncio.Transport", transport)

    def ask(self) -> None:
        """
        Send a request, or leave if there are enough.
        """
        now = perf_counter()
        if not self._tally.may_ask(now):
            self._transport.abort()
            return
        self._tally.asked += 1
        self._is_waiting = True
        self._began, self._first_at = now, 0.0
        self._got, self._body_at = b"", -1
        self._transport.write(self._tally.request)

    def ask_at(self, due: float) -> None:
        """
        Send a request at *due*, or at once if that has passed.
        """
        self._due = due
        wait_s = due - perf_counter()
        if wait_s > 0:
            asyncio.get_running_loop().call_later(wait_s, self.ask)
        else:
            self.ask()

    def close(self) -> None:
        """
        Leave, whatever is still to come.
        """
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if not self._is_waiting:
            self._tally.fail("bytes came that nobody had asked for")
            self._transport.abort()
            return
        self._tally.reads += 1
        self._got = self._got + data if self._got else data
        if self._body_at < 0 and not self._read_head():
            return
        if not self._first_at and len(self._got) > self._body_at:
            self._first_at = perf_counter()
            if not self.has_first.done():
                self.has_first.set_result(None)
        if self._is_whole():
            self._finish()

    def _read_head(self) -> bool:
        got = self._got
        end = got.find(b"\r\n\r\n")
        if end < 0:
            return False
        self._body_at = end + 4
        length = _LENGTH.search(got, 0, end)
        self._length = int(length[1]) if length else None
        self._is_chunked = bool(_CHUNKED.search(got, 0, end))
        self._closes = bool(_CLOSES.search(got, 0, end))
        return True

    def _is_whole(self) -> bool:
        if self._length is not None:
            return len(self._got) >= self._body_at + self._length
        return self._is_chunked and self._got.endswith(_LAST_CHUNK)

    def _finish(self) -> None:
        now = perf_counter()
        self._is_waiting = False
        tally = self._tally
        fault = self._find_fault()
        if fault:
            tally.fail(fault)
        else:
            tally.took.append(now - self._began)
            tally.first.append(self._first_at - self._began)
        tally.ended = now
        if self._closes:
            self._transport.abort()
        elif tally.job.per_s:
            self.ask_at(self._due + tally.job.callers / tally.job.per_s)
        else:
            self.ask()

    def _find_fault(self) -> str:
        got = self._got
        if got[9:12] != b"200":
            return got[:15].decode("latin-1") + " " + repr(got[self._body_at :][:300])
        if self._tally.job.kind != messages.WHOLE and b"data: [DONE]" not in got:
            return "a stream ended without [DONE]"
        return ""

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.has_first.done():
            self.has_first.set_result(None)
        now = perf_counter()
        if self._is_waiting and not self._tally.job.hold:
            if self._body_at >= 0 and self._length is None and not self._is_chunked:
                self._finish()  # the body's end is the connection's
            else:
                self._tally.fail("the connection was lost before the answer's end")
            self._is_waiting = False
        self._tally.leave(self, now, wants_more=True)


def percentile(values: list[float], percent: float) -> float:
    """
    Return the value that *percent* of *values* do not exceed; 0 for no values.
    """
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


# --- jobs -----------------------------------------------------------------------------


class Load:
    """
    Runs jobs, one after another.
    """

    def __init__(self) -> None:
        self._held: Tally | None = None

    async def run(self, job: Job) -> Result:
        """
        Run *job*; callers held by the one before leave first.
        """
        await self.let_go()
        tally = Tally(job)
        callers = await self._connect(tally)
        tally.open = len(callers)
        tally.began = perf_counter()
        tally.until = tally.began + job.seconds
        for place, caller in enumerate(callers):
            if job.per_s:
                caller.ask_at(tally.began + place / job.per_s)
            else:
                caller.ask()
        if job.hold:
            return await self._hold(tally, callers)
        try:
            await asyncio.wait_for(tally.is_over.wait(), job.seconds + GRACE_S)
        except TimeoutError:
            tally.fail(f"no answer within {GRACE_S:g} s")
            for caller in tuple(tally.callers):
                caller.close()
        return tally.result()

    async def _connect(self, tally: Tally) -> list[Caller]:
        callers: list[Caller] = []
        while (left := tally.job.callers - len(callers)) > 0:
            batch = min(left, _CONNECT_AT_ONCE)
            callers += await asyncio.gather(*(tally.connect() for _ in range(batch)))
        return callers

    async def _hold(self, tally: Tally, callers: list[Caller]) -> Result:
        waiting = [caller.has_first for caller in callers]
        _, late = await asyncio.wait(waiting, timeout=GRACE_S)
        if late:
            tally.fail(f"{len(late)} streams did not begin within {GRACE_S:g} s")
        if lost := tally.job.callers - len(tally.callers):
            tally.fail(f"{lost} streams were lost")
        tally.until = 0.0
        self._held = tally
        return tally.result()

    async def let_go(self) -> None:
        """
        Let the callers leave that were held.
        """
        held, self._held = self._held, None
        if held is None:
            return
        for caller in tuple(held.callers):
            caller.close()
        await asyncio.wait_for(held.is_over.wait(), GRACE_S)


def main() -> None:
    """
    Run the jobs that come in.
    """
    load = Load()
    with new_runner() as runner:
        for line in sys.stdin:
            document: dict[str, Any] = json.loads(line)
            try:
                found = runner.run(load.run(Job(**document)))
                answer = attrs.asdict(found)
            except OSError as error:
                answer = {"error": str(error)}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
