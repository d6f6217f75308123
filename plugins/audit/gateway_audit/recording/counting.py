"""
What the audit shows among the gateway's metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from gateway import Metric
from gateway_audit.recording.recorder import Recorder


def metrics(recorder: Callable[[], Recorder | None]) -> Iterator[Metric]:
    """
    Yield every metric.

    Args:
        recorder: Returns what the audit works with, while its life lasts.
    """

    def of(read: Callable[[Recorder], float]) -> Callable[[], float]:
        def value() -> float:
            found = recorder()
            return 0 if found is None else read(found)

        return value

    def by_sink(
        read: Callable[[Recorder], Mapping[tuple[str, ...], float]],
    ) -> Callable[[], Mapping[tuple[str, ...], float]]:
        def values() -> Mapping[tuple[str, ...], float]:
            found = recorder()
            return {} if found is None else read(found)

        return values

    yield Metric(
        name="audit_entries_lost",
        told="Audit entries that were not recorded; the log has a gap entry for them.",
        value=of(lambda found: found.journal.lost),
    )
    yield Metric(
        name="audit_entries_spilled",
        told="Audit entries that the second disk took.",
        value=of(lambda found: found.journal.spilled),
    )
    yield Metric(
        name="audit_entries_waiting",
        told="Audit entries that wait for the disk.",
        value=of(lambda found: found.journal.waiting),
        counts_up=False,
    )
    yield Metric(
        name="audit_failing_workers",
        told="Workers that cannot record: entries, persons or bodies.",
        value=of(lambda found: int(not found.standing.is_healthy)),
        counts_up=False,
    )
    yield Metric(
        name="audit_nearly_full_workers",
        told="Workers whose audit disk has less than a fifth left.",
        value=of(lambda found: int(found.journal.is_nearly_full)),
        counts_up=False,
    )
    yield Metric(
        name="audit_problems",
        told="What is wrong with the audit's log, its sinks and its witnesses.",
        value=of(lambda found: found.figures.problems()),
        counts_up=False,
    )
    yield Metric(
        name="audit_sink_lag_entries",
        told="Signed audit entries that a sink has not delivered.",
        labels=("sink",),
        value=by_sink(lambda found: found.figures.lag_entries()),
        counts_up=False,
    )
    yield Metric(
        name="audit_sink_lag_seconds",
        told="Age of the oldest audit entry that a sink has not delivered.",
        labels=("sink",),
        value=by_sink(lambda found: found.figures.lag_s()),
        counts_up=False,
    )
