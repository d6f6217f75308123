"""
Memory at rest and under open streams, and the time from start to ready.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import attrs

from bench import messages
from bench.programs import BenchError
from bench.rounds import Caller
from bench.subjects import DIRECT, Starter, Subject

#: Streams that are opened before any is counted: code and pools that all share.
_FIRST_STREAMS: Final = 20
_SETTLE_S: Final = 0.4


@attrs.frozen(kw_only=True)
class Memory:
    """
    What one subject needs.

    Attributes:
        rest_bytes: resident before the first request.
        stream_bytes: more resident memory for each open stream.
        streams: how many were open.
    """

    rest_bytes: int
    stream_bytes: float
    streams: int


def measure_memory(
    caller: Caller, subject: Subject, *, streams: int, size: int
) -> Memory:
    """
    Open *streams* streams that go on, with prompts of *size* bytes.

    Raises:
        BenchError: they could not be opened.
    """
    time.sleep(_SETTLE_S)
    rest = subject.rss_bytes()
    _hold(caller, subject, _FIRST_STREAMS, size)
    before = _let_go(caller, subject)
    _hold(caller, subject, streams, size)
    time.sleep(_SETTLE_S)
    held = subject.rss_bytes()
    _let_go(caller, subject)
    return Memory(
        rest_bytes=rest,
        stream_bytes=max(0.0, (held - before) / streams),
        streams=streams,
    )


def _hold(caller: Caller, subject: Subject, streams: int, size: int) -> None:
    found = caller.run(
        subject, kind=messages.STALL, size=size, callers=streams, hold=True
    )
    if found.faults:
        raise BenchError(f"{subject.name} holds no {streams} streams: {found.fault}")


def _let_go(caller: Caller, subject: Subject) -> int:
    """
    End the streams by asking for something else; return the memory afterwards.
    """
    caller.run(subject, kind=messages.WHOLE, most=1)
    time.sleep(_SETTLE_S)
    return subject.rss_bytes()


def measure_start(
    starter: Starter, upstream: Subject, names: Sequence[str], *, times: int
) -> dict[str, list[float]]:
    """
    Start those of *names* again and again; return the seconds until each was ready.

    A program counts as ready when ``/healthz`` is answered.
    """
    found: dict[str, list[float]] = {}
    for _ in range(times):
        for name in names:
            if name != DIRECT:
                began = time.perf_counter()
                with starter.start(name, upstream):
                    found.setdefault(name, []).append(time.perf_counter() - began)
    return found
