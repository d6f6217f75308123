"""
Prometheus's text format, version 0.0.4: families of metrics, and the sum of several workers'.

Written here, because a worker renders between requests: prometheus_client takes 95 ms for what
this does in a few, and merging by its parser takes a second and a half.
"""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: What ``GET /metrics`` answers as its content type.
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
#: Upper bounds of the histograms' buckets, in seconds.
BOUNDS: Final = (
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    20.0,
    30.0,
    60.0,
    120.0,
    300.0,
)

_LE: Final = (*(f'le="{bound}"' for bound in BOUNDS), 'le="+Inf"')
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_HELP_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})


class Histogram:
    """
    How often something took how long.
    """

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def observe(self, seconds: float) -> None:
        """
        Count one that took *seconds*.
        """
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds


def counter(
    name: str, told: str, labels: tuple[str, ...], values: Mapping[Any, float]
) -> Iterator[str]:
    """
    Yield the lines of a counter, of *values* by their labels.
    """
    yield from _about(name, told, "counter")
    yield from _samples(name, labels, values)


def gauge(
    name: str, told: str, labels: tuple[str, ...], values: Mapping[Any, float]
) -> Iterator[str]:
    """
    Yield the lines of a gauge, of *values* by their labels.
    """
    yield from _about(name, told, "gauge")
    yield from _samples(name, labels, values)


def histogram(
    name: str, told: str, labels: tuple[str, ...], cells: Mapping[Any, Histogram]
) -> Iterator[str]:
    """
    Yield the lines of a histogram of *cells* by their labels.
    """
    yield from _about(name, told, "histogram")
    for key, cell in cells.items():
        pairs = _pairs(labels, key)
        before = f"{name}_bucket{{{pairs}," if pairs else f"{name}_bucket{{"
        counts = list(accumulate(cell.counts))
        for le, count in zip(_LE, counts, strict=True):
            yield f"{before}{le}}} {count}"
        braced = _braced(pairs)
        yield f"{name}_sum{braced} {cell.seconds}"
        yield f"{name}_count{braced} {counts[-1]}"


def _about(name: str, told: str, kind: str) -> tuple[str, str]:
    return (
        f"# HELP {name} {told.translate(_HELP_ESCAPES)}",
        f"# TYPE {name} {kind}",
    )


def _samples(
    name: str, labels: tuple[str, ...], values: Mapping[Any, float]
) -> Iterator[str]:
    for key, value in values.items():
        yield f"{name}{_braced(_pairs(labels, key))} {value}"


def _pairs(labels: tuple[str, ...], key: tuple[Any, ...]) -> str:
    return ",".join(
        f'{label}="{str(value).translate(_ESCAPES)}"'
        for label, value in zip(labels, key, strict=True)
    )


def _braced(pairs: str) -> str:
    return f"{{{pairs}}}" if pairs else ""


def process_lines() -> Iterator[str]:
    """
    Yield what this process takes of the machine, by Prometheus's names for it.
    """
    yield from counter(
        "process_cpu_seconds_total",
        "Processor time, user and system.",
        (),
        {(): time.process_time()},
    )
    try:
        with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 - no path is made
            pages = int(statm.read().split()[1])
        open_files = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    except OSError:  # not Linux
        return
    resident = pages * os.sysconf("SC_PAGE_SIZE")
    for name, told, value in (
        ("process_resident_memory_bytes", "Resident memory.", resident),
        ("process_open_fds", "Open file descriptors.", open_files),
    ):
        yield from gauge(name, told, (), {(): value})


# --- several workers ------------------------------------------------------------------------


def merge(texts: Iterable[bytes]) -> bytes:
    """
    Sum what several workers rendered: counters, histograms and gauges alike.

    A sample is known by its text up to the value, which is the same in every worker because
    the same code wrote it.
    """
    families: dict[bytes, tuple[list[bytes], dict[bytes, float]]] = {}
    for text in texts:
        samples: dict[bytes, float] = {}
        for line in text.splitlines():
            if line.startswith(b"# HELP "):
                name = line.split(b" ", 3)[2]
                about, samples = families.setdefault(name, ([], {}))
                if not about:
                    about.append(line)
            elif line.startswith(b"# TYPE "):
                if len(about) == 1:
                    about.append(line)
            elif line:
                sample, _, value = line.rpartition(b" ")
                samples[sample] = samples.get(sample, 0) + float(value)
    out = []
    for about, samples in families.values():
        out += about
        out += [b"%b %b" % (name, _number(value)) for name, value in samples.items()]
    return b"\n".join(out) + b"\n" if out else b""


def _number(value: float) -> bytes:
    return repr(int(value) if value.is_integer() else value).encode()
