"""
What is told: a page of Markdown for people, a document of JSON for programs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any, Final

import attrs

from bench import messages
from bench.machine import Machine
from bench.memory import Memory
from bench.rounds import BURST, DRIP, SMALL, Measure, Sample, Samples
from bench.subjects import CALIBRATOR, DIRECT, GATEWAY

#: What the gateway's core is held to: figure, limit, unit.
TARGETS: Final[dict[str, tuple[float, str]]] = {
    "small_ratio": (1.4, "x"),
    "drip_us": (25.0, "µs"),
    "burst_us": (6.0, "µs"),
    "texts_us": (0.6, "µs"),
    "filter_one_us": (8.0, "µs"),
    "rest_mb": (50.0, "MB"),
    "stream_kb": (64.0, "KB"),
    "ready_s": (1.5, "s"),
}
_TITLES: Final = {
    "small_ratio": "CPU of a 200 B request, against the calibrator",
    "drip_us": "CPU of an event that arrives alone",
    "burst_us": f"CPU of an event in a burst of {messages.EVENTS}",
    "texts_us": "`texts()`, one text",
    "filter_one_us": "a filter that finds nothing, one event",
    "rest_mb": "memory at rest",
    "stream_kb": "memory of an open stream",
    "ready_s": "from start to ready",
}
_MIB: Final = 1024 * 1024
#: Reads by events below which events did not arrive one at a time.
_MERGED: Final = 0.9


@attrs.define(kw_only=True)
class Report:
    """
    Everything that one run found.

    Attributes:
        options: how it was run.
        starts: seconds until ready, by subject, one a start.
        micro: figures of `bench.micro`, by name.
        plugins: those of the gateway that is measured with plugins as well.
    """

    machine: Machine
    options: dict[str, Any]
    subjects: Sequence[str]
    measures: Sequence[Measure]
    samples: Samples
    memory: dict[str, Memory] = attrs.field(factory=dict)
    starts: dict[str, list[float]] = attrs.field(factory=dict)
    micro: dict[str, float] = attrs.field(factory=dict)
    plugins: tuple[str, ...] = ()

    # --- figures ----------------------------------------------------------------------

    def of(self, measure: Measure, subject: str) -> list[Sample]:
        """
        Return the samples of one subject, one a round.
        """
        return self.samples.get((measure.name, subject), [])

    def cpu_us(self, measure: Measure, subject: str) -> list[float]:
        """
        Return its CPU times, one a round; none where they are not known.

        Rounds in which events that were to arrive alone did not are left out, if there
        are others: they would be the cheapest.
        """
        samples = [s for s in self.of(measure, subject) if s.cpu_us > 0]
        if measure is DRIP:
            alone = [s for s in samples if s.reads_per_event >= _MERGED]
            samples = alone or samples
        return [s.cpu_us for s in samples]

    def ratio(self, measure: Measure, subject: str) -> tuple[float, float] | None:
        """
        Return how many times the calibrator's CPU *subject* takes.

        Returns:
            The ratio of the two best rounds, and the median of the ratios in one round.
        """
        own = self.cpu_us(measure, subject)
        other = self.cpu_us(measure, CALIBRATOR)
        if not own or not other:
            return None
        pairs = [a / b for a, b in zip(own, other, strict=False)]
        return min(own) / min(other), median(pairs)

    def figures(self) -> dict[str, float]:
        """
        Return what of the gateway is held against `TARGETS`; what was measured.
        """
        found: dict[str, float] = {}
        ratio = self.ratio(SMALL, GATEWAY)
        if ratio is not None:
            found["small_ratio"] = ratio[0]
        for measure in (DRIP, BURST):
            if times := self.cpu_us(measure, GATEWAY):
                found[f"{measure.name}_us"] = min(times)
        found |= {name: self.micro[name] for name in TARGETS if name in self.micro}
        if memory := self.memory.get(GATEWAY):
            found["rest_mb"] = memory.rest_bytes / 1e6
            found["stream_kb"] = memory.stream_bytes / 1e3
        if starts := self.starts.get(GATEWAY):
            found["ready_s"] = min(starts)
        return found

    def missed(self) -> list[str]:
        """
        Name the targets that were measured and not reached.
        """
        figures = self.figures()
        return [n for n, (most, _) in TARGETS.items() if figures.get(n, 0.0) > most]

    def faults(self) -> list[str]:
        """
        Tell of answers that were wrong: their figures mean nothing.
        """
        return [
            f"{measure} {subject}: {sample.faults} faults, the first: {sample.fault}"
            for (measure, subject), samples in self.samples.items()
            for sample in samples
            if sample.faults
        ]

    def doubts(self) -> list[str]:
        """
        Tell of figures that are not what their names say.
        """
        doubts = []
        for name in self.subjects:
            samples = self.of(DRIP, name)
            if samples and max(s.reads_per_event for s in samples) < _MERGED:
                reads = max(s.reads_per_event for s in samples)
                doubts.append(
                    f"{DRIP.name} {name}: {reads:.2f} reads an event, so events did "
                    "not leave it one at a time: it was too slow, or gathers them"
                )
        return doubts

    # --- JSON -------------------------------------------------------------------------

    def document(self) -> dict[str, Any]:
        """
        Return everything as JSON values.
        """
        figures = self.figures()
        return {
            "machine": attrs.asdict(self.machine),
            "options": self.options,
            "plugins": list(self.plugins),
            "targets": {
                name: {"at_most": most, "unit": unit, "found": figures.get(name)}
                for name, (most, unit) in TARGETS.items()
            },
            "ratios": {
                f"{measure.name}/{name}": ratio[0]
                for measure in self.measures
                for name in self.subjects
                if (ratio := self.ratio(measure, name)) is not None
            },
            "samples": {
                f"{measure}/{name}": [attrs.asdict(sample) for sample in samples]
                for (measure, name), samples in self.samples.items()
            },
            "memory": {n: attrs.asdict(m) for n, m in self.memory.items()},
            "starts_s": self.starts,
            "micro": self.micro,
            "faults": self.faults(),
            "doubts": self.doubts(),
        }

    # --- Markdown ---------------------------------------------------------------------

    def markdown(self) -> str:
        """
        Write the page: ratios first, then what they are made of.
        """
        parts = [
            self._head(),
            self._targets(),
            self._ratios(),
            *(self._whole(m) for m in self.measures if not m.is_stream),
            *(self._stream(m) for m in self.measures if m.is_stream),
            self._memory(),
            self._micro(),
            _listed("Faults", self.faults()),
            _listed("Doubts", self.doubts()),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def _head(self) -> str:
        machine = self.machine
        versions = ", ".join(f"{name} {v}" for name, v in machine.versions.items())
        plugins = f" Plugins: {', '.join(self.plugins)}." if self.plugins else ""
        return (
            f"# Bench, {machine.date}\n\n"
            f"{machine.cpu}, {machine.cores} cores, {machine.system}, "
            f"{machine.python}; {versions}. Load average {machine.load_average} at the "
            f"start. {self.options['rounds']} rounds of {self.options['seconds']:g} s, "
            f"{self.options['callers']} callers, {self.options['pinned']}."
            f"{plugins}\n\n"
            "Each figure is that of the best round, with the median of all rounds in "
            "brackets. CPU is user and system time of the subject's processes."
        )

    def _targets(self) -> str:
        figures = self.figures()
        if not figures:
            return ""
        rows = [
            (
                _TITLES[name],
                _number(figures[name], unit),
                f"<= {most:g} {unit}",
                "reached" if figures[name] <= most else "**missed**",
            )
            for name, (most, unit) in TARGETS.items()
            if name in figures
        ]
        return _section("Targets", ("gateway", "found", "target", ""), rows)

    def _ratios(self) -> str:
        names = [n for n in self.subjects if n not in {DIRECT, CALIBRATOR}]
        rows = []
        for measure in self.measures:
            cells = [self._ratio_cell(measure, name) for name in names]
            if any(cells) and not measure.is_alone:
                rows.append((measure.title, *cells))
        title = "CPU, times the calibrator's"
        return _section(title, ("", *names), rows) if rows and names else ""

    def _ratio_cell(self, measure: Measure, name: str) -> str:
        ratio = self.ratio(measure, name)
        return "" if ratio is None else f"{ratio[0]:.2f} ({ratio[1]:.2f})"

    def _whole(self, measure: Measure) -> str:
        rows = [
            (
                name,
                _low(self.cpu_us(measure, name)),
                _high([s.per_s for s in samples]),
                *self._times(measure, name, "p50_ms"),
                *self._times(measure, name, "p99_ms"),
            )
            for name in self.subjects
            if (samples := self.of(measure, name))
        ]
        heads = ("", "CPU µs", "requests/s", "p50 ms", "added", "p99 ms", "added")
        return _section(measure.title[0].upper() + measure.title[1:], heads, rows)

    def _stream(self, measure: Measure) -> str:
        rows = [
            (
                name,
                _low(self.cpu_us(measure, name)),
                _high([s.per_s * messages.EVENTS for s in samples]),
                *self._times(measure, name, "first_p50_ms"),
                f"{median(s.reads_per_event for s in samples):.2f}",
            )
            for name in self.subjects
            if (samples := self.of(measure, name))
        ]
        heads = (
            "",
            "CPU µs/event",
            "events/s",
            "first byte ms",
            "added",
            "reads/event",
        )
        return _section(measure.title[0].upper() + measure.title[1:], heads, rows)

    def _times(self, measure: Measure, name: str, what: str) -> tuple[str, str]:
        """
        Return a time, and what it is above that of the upstream alone.
        """
        own = [getattr(sample, what) for sample in self.of(measure, name)]
        alone = [getattr(sample, what) for sample in self.of(measure, DIRECT)]
        if name == DIRECT or not alone:
            return _low(own, 2), ""
        return _low(own, 2), f"{min(own) - min(alone):.2f}"

    def _memory(self) -> str:
        names = [n for n in self.subjects if n in self.memory or n in self.starts]
        rows = []
        for name in names:
            memory = self.memory.get(name)
            starts = self.starts.get(name)
            rows.append(
                (
                    name,
                    f"{memory.rest_bytes / 1e6:.1f}" if memory else "",
                    f"{memory.stream_bytes / 1e3:.1f}" if memory else "",
                    _low(starts, 2) if starts else "",
                )
            )
        streams = next((m.streams for m in self.memory.values()), 0)
        stream = f"KB a stream, {streams} open" if streams else "KB a stream"
        heads = ("", "MB at rest", stream, "ready after s")
        return _section("Memory and start", heads, rows) if rows else ""

    def _micro(self) -> str:
        micro = self.micro
        if not micro:
            return ""
        rows = [
            ("`texts()` of 50 plain messages, a text", micro["texts_us"]),
            ("the same with tool calls and parts, a text", micro["texts_agent_us"]),
            ("a filter that finds nothing, an event alone", micro["filter_one_us"]),
            ("the same, an event of a burst", micro["filter_burst_us"]),
            *(
                (f"{n} plugins with four hooks each, a request", micro[f"hooks_{n}_us"])
                for n in (0, 4, 8)
            ),
        ]
        written = [(title, f"{value:.2f}") for title, value in rows]
        return _section("Parts of the gateway", ("", "µs"), written)


def _section(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"## {title}", "", _row(heads), _row(["---", *["--:"] * (len(heads) - 1)])]
    return "\n".join((*lines, *(_row(row) for row in rows)))


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _listed(title: str, lines: Sequence[str]) -> str:
    return (
        "\n".join((f"## {title}", "", *(f"- {line}" for line in lines)))
        if lines
        else ""
    )


def _low(values: Sequence[float], places: int = 1) -> str:
    """
    Write the least and the median.
    """
    if not values:
        return ""
    return f"{min(values):.{places}f} ({median(values):.{places}f})"


def _high(values: Sequence[float]) -> str:
    return f"{max(values):,.0f} ({median(values):,.0f})" if values else ""


def _number(value: float, unit: str) -> str:
    return f"{value:.2f} {unit}"
