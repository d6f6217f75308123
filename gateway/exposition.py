"""
Prometheus's forms: families of metrics, and the sum of what several workers say.

prometheus_client is imported when somebody asks, not when the gateway starts.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prometheus_client.core import Metric

#: What ``GET /metrics`` answers as its content type.
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
#: Upper bounds of the histograms' buckets, in seconds.
BOUNDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)


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

    def buckets(self) -> list[tuple[str, float]]:
        """
        Return the cumulative counts by upper bound, as Prometheus has them.
        """
        bounds = [*(str(float(bound)) for bound in BOUNDS), "+Inf"]
        return list(zip(bounds, accumulate(map(float, self.counts)), strict=True))


def counter(
    name: str, told: str, labels: tuple[str, ...], values: Mapping[Any, float]
) -> Metric:
    """
    Make a counter, ``gatewright_<name>_total``, of *values* by their labels.
    """
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily(f"gatewright_{name}", told, labels=labels)
    for key, value in list(values.items()):
        family.add_metric([str(part) for part in key], value)
    return family


def gauge(name: str, told: str, value: float) -> Metric:
    """
    Make a gauge without labels.
    """
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(f"gatewright_{name}", told, value=value)


def histogram(
    name: str, told: str, labels: tuple[str, ...], cells: Mapping[Any, Histogram]
) -> Metric:
    """
    Make a histogram of *cells* by their labels.
    """
    from prometheus_client.core import HistogramMetricFamily

    family = HistogramMetricFamily(f"gatewright_{name}", told, labels=labels)
    for key, cell in list(cells.items()):
        family.add_metric(
            [str(part) for part in key], buckets=cell.buckets(), sum_value=cell.seconds
        )
    return family


# --- several workers ------------------------------------------------------------------------


class _Merged:
    """
    The metrics of several workers, in the place of a registry.
    """

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def merge(texts: Iterable[bytes]) -> bytes:
    """
    Sum what several workers rendered: counters, histograms and gauges.

    Only the moment at which a process started is not summed: the earliest stands.
    """
    from prometheus_client import generate_latest
    from prometheus_client.parser import text_string_to_metric_families

    families: dict[str, Metric] = {}
    values: dict[str, dict[Any, Any]] = {}
    for text in texts:
        for family in text_string_to_metric_families(text.decode()):
            families.setdefault(family.name, family)
            _add(values.setdefault(family.name, {}), family)
    for name, family in families.items():
        family.samples = list(values[name].values())
    return generate_latest(_Merged(families.values()))


def _add(values: dict[Any, Any], family: Metric) -> None:
    for sample in family.samples:
        key = (sample.name, tuple(sorted(sample.labels.items())))
        before = values.get(key)
        if before is None:
            values[key] = sample
        elif sample.name.endswith("_start_time_seconds"):
            values[key] = sample._replace(value=min(before.value, sample.value))
        else:
            values[key] = sample._replace(value=before.value + sample.value)
