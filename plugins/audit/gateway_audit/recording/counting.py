"""
What a worker's journal shows among the gateway's metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gateway import Metric
from gateway_audit.recording.journal import Journal


def metrics(journal: Callable[[], Journal | None]) -> Iterator[Metric]:
    """
    Yield every metric.

    Args:
        journal: Returns the journal, while there is one.
    """

    def of(read: Callable[[Journal], float]) -> Callable[[], float]:
        def value() -> float:
            found = journal()
            return 0 if found is None else read(found)

        return value

    yield Metric(
        name="audit_entries_lost",
        told="Audit entries that were not recorded; the log has a gap entry for them.",
        value=of(lambda found: found.lost),
    )
    yield Metric(
        name="audit_entries_spilled",
        told="Audit entries that the second disk took.",
        value=of(lambda found: found.spilled),
    )
    yield Metric(
        name="audit_entries_waiting",
        told="Audit entries that wait for the disk.",
        value=of(lambda found: found.waiting),
        counts_up=False,
    )
    yield Metric(
        name="audit_failing_workers",
        told="Workers whose audit entries do not reach the disk.",
        value=of(lambda found: int(found.is_failing)),
        counts_up=False,
    )
    yield Metric(
        name="audit_nearly_full_workers",
        told="Workers whose audit disk has less than a fifth left.",
        value=of(lambda found: int(found.is_nearly_full)),
        counts_up=False,
    )
