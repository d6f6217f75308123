"""
Tests of `gateway.exposition`.
"""

from __future__ import annotations

import subprocess
import sys

from gateway.exposition import BOUNDS, Histogram, merge


def test_a_value_on_a_bound_belongs_to_it() -> None:
    """
    Buckets are cumulative and hold their upper bound, as Prometheus says.
    """
    histogram = Histogram()

    histogram.observe(BOUNDS[0])
    histogram.observe(BOUNDS[-1] + 1)

    buckets = histogram.buckets()
    assert buckets[0] == ("0.05", 1.0)
    assert buckets[-2] == ("300.0", 1.0)
    assert buckets[-1] == ("+Inf", 2.0)


def test_merging_one_changes_nothing() -> None:
    """
    One worker's metrics are the machine's.
    """
    text = (
        b"# HELP a_total Help with \\\\ and \\n in it.\n"
        b"# TYPE a_total counter\n"
        b'a_total{l="x\\"y\\\\z"} 3.0\n'
    )

    assert merge([text]) == text


def test_merging_nothing_is_nothing() -> None:
    """
    Without workers there are no metrics.
    """
    assert merge([]) == b""


def test_a_start_is_the_earliest() -> None:
    """
    The moment at which a process began is not summed.
    """
    name = b"process_start_time_seconds"
    texts = [b"# TYPE %b gauge\n%b %d.0\n" % (name, name, at) for at in (20, 10)]

    merged = merge(texts)

    assert b"process_start_time_seconds 10.0" in merged


def test_prometheus_client_is_loaded_when_somebody_asks() -> None:
    """
    A gateway that nobody scrapes does not pay for the library.
    """
    code = "import sys, gateway.metrics; sys.exit('prometheus_client' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
