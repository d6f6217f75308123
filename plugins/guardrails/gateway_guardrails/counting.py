"""
What guardrails show among the gateway's metrics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from gateway import Metric

if TYPE_CHECKING:
    from gateway_guardrails.warden import Warden

#: Guardrails that are counted by their names: those that were removed are among them.
MAX_NAMES: Final = 1000
_OTHER: Final = "other"

#: Guardrail, and whether the failure refused.
Failures = Mapping[tuple[str, bool], int]


@attrs.define(eq=False)
class Tally:
    """
    How often each guardrail could not judge, in this worker.

    Attributes:
        failures: By guardrail and ``refused`` or ``passed``.
    """

    failures: Counter[tuple[str, ...]] = attrs.field(factory=Counter)
    _names: set[str] = attrs.field(factory=set)

    def take(self, failures: Failures) -> None:
        """
        Count the *failures* of one exchange.
        """
        for (name, refused), count in failures.items():
            outcome = "refused" if refused else "passed"
            self.failures[self._label(name), outcome] += count

    def _label(self, name: str) -> str:
        if name not in self._names:
            if len(self._names) >= MAX_NAMES:
                return _OTHER
            self._names.add(name)
        return name


def metrics(warden: Callable[[], Warden | None]) -> Iterator[Metric]:
    """
    Yield every metric.

    Args:
        warden: Returns what guardrails work with, while their life lasts.
    """

    def failures() -> Mapping[tuple[str, ...], float]:
        found = warden()
        return {} if found is None else dict(found.inspector.tally.failures)

    def dropped() -> float:
        found = warden()
        return 0 if found is None else found.recorder.dropped

    yield Metric(
        name="guardrail_failures",
        told="Detectors that could not judge, by what their guardrail did: refused or passed.",
        labels=("guardrail", "outcome"),
        value=failures,
    )
    yield Metric(
        name="guardrail_findings_dropped",
        told="Findings that did not fit into the queue and were not written down.",
        value=dropped,
    )
