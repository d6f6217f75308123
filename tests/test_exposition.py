"""
Tests of `gateway.exposition`.
"""

from __future__ import annotations

import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.exposition import (
    BOUNDS,
    Histogram,
    counter,
    gauge,
    histogram,
    merge,
    process_lines,
)


def test_a_value_on_a_bound_belongs_to_it() -> None:
    """
    Buckets are cumulative and hold their upper bound, as Prometheus says.
    """
    cell = Histogram()

    cell.observe(BOUNDS[0])
    cell.observe(BOUNDS[-1] + 1)

    lines = list(histogram("h", "", (), {(): cell}))
    assert lines[2] == 'h_bucket{le="0.05"} 1'
    assert lines[-4:] == [
        'h_bucket{le="300.0"} 1',
        'h_bucket{le="+Inf"} 2',
        "h_sum 301.05",
        "h_count 2",
    ]


def test_merging_one_changes_nothing() -> None:
    """
    One worker's metrics are the machine's.
    """
    text = (
        b"# HELP a_total Help with \\\\ and \\n in it.\n"
        b"# TYPE a_total counter\n"
        b'a_total{l="x\\"y\\\\z"} 3\n'
    )

    assert merge([text]) == text


def test_merging_nothing_is_nothing() -> None:
    """
    Without workers there are no metrics.
    """
    assert merge([]) == b""


def test_merging_sums_and_keeps_families_together() -> None:
    """
    Samples that only one worker has stand with their family.
    """
    first = b"# HELP a h\n# TYPE a gauge\na 1\n# HELP b h\n# TYPE b gauge\nb 0.5\n"
    second = b'# HELP b h\n# TYPE b gauge\nb 1\nb{l="x y"} 2\n'

    merged = merge([first, second])

    assert merged == (
        b"# HELP a h\n# TYPE a gauge\na 1\n"
        b'# HELP b h\n# TYPE b gauge\nb 1.5\nb{l="x y"} 2\n'
    )


@pytest.mark.parametrize("value", ['a"b', "a\\b", "a\nb", "a b", "é", "{}", "a,b=c"])
def test_labels_are_read_as_they_were_written(value: str) -> None:
    """
    Prometheus's own parser reads any label back, also from the sum of two workers.
    """
    text = "\n".join(counter("a_total", "Told\nso \\.", ("l",), {(value,): 1})) + "\n"

    (family,) = text_string_to_metric_families(merge([text.encode()] * 2).decode())

    assert family.documentation == "Told\nso \\."
    assert family.type == "counter"
    (sample,) = family.samples
    assert (sample.labels, sample.value) == ({"l": value}, 2)


def test_prometheus_reads_every_form() -> None:
    """
    Its own parser finds the types and the values of all three forms.
    """
    cell = Histogram()
    cell.observe(0.3)
    lines = [
        *counter("a_total", "h", (), {(): 1}),
        *gauge("b", "h", (), {(): 1.5}),
        *histogram("c", "h", ("l",), {("x",): cell}),
    ]

    families = {
        family.name: family
        for family in text_string_to_metric_families("\n".join(lines) + "\n")
    }

    assert {name: family.type for name, family in families.items()} == {
        "a": "counter",
        "b": "gauge",
        "c": "histogram",
    }
    names = [sample.name for sample in families["c"].samples]
    assert names == ["c_bucket"] * (len(BOUNDS) + 1) + ["c_sum", "c_count"]


def test_says_what_the_process_takes() -> None:
    """
    Processor time everywhere, memory and files where the system tells.
    """
    lines = list(process_lines())

    assert any(line.startswith("process_cpu_seconds_total ") for line in lines)
    if sys.platform == "linux":
        (resident,) = [
            line for line in lines if "memory_bytes " in line and "#" not in line
        ]
        assert float(resident.split()[1]) > 1_000_000
