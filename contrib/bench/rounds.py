"""
The rounds: every measure on every subject, in turn, again and again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import attrs

from bench import messages
from bench.load import GRACE_S, Job, Result
from bench.machine import Cores
from bench.programs import BenchError, Program
from bench.subjects import Subject


@attrs.frozen(kw_only=True)
class Measure:
    """
    One kind of load.

    Attributes:
        kind: how the upstream answers.
        size: bytes of the prompt.
        is_alone: one caller only, for what an answer's time is without a queue.
    """

    name: str
    title: str
    kind: str
    size: int = 200
    is_alone: bool = False

    @property
    def is_stream(self) -> bool:
        """
        Whether it counts events.
        """
        return self.kind != messages.WHOLE


SMALL: Final = Measure(name="small", title="200 B prompt", kind=messages.WHOLE)
DRIP: Final = Measure(
    name="drip",
    title=f"{messages.EVENTS} events one at a time",
    kind=messages.DRIP,
)
BURST: Final = Measure(
    name="burst",
    title=f"{messages.EVENTS} events in one burst",
    kind=messages.BURST,
)
MEASURES: Final = (
    SMALL,
    Measure(
        name="alone",
        title="200 B prompt, one caller",
        kind=messages.WHOLE,
        is_alone=True,
    ),
    Measure(name="10k", title="10 KB prompt", kind=messages.WHOLE, size=10_000),
    Measure(name="100k", title="100 KB prompt", kind=messages.WHOLE, size=100_000),
    DRIP,
    BURST,
)


@attrs.frozen(kw_only=True)
class Sample:
    """
    What one measure found on one subject in one round.

    Attributes:
        cpu_us: CPU time of a request, or of an event; 0 where it is not known.
        per_s: requests, or streams, a second.
        reads_per_event: pieces in which a stream arrived, by its events; far below 1
            the events did not arrive one at a time, whoever held them up.
    """

    cpu_us: float
    per_s: float
    p50_ms: float
    p99_ms: float
    first_p50_ms: float
    first_p99_ms: float
    reads_per_event: float
    requests: int
    faults: int
    fault: str


#: Samples by names of measure and subject, one a round.
Samples = dict[tuple[str, str], list[Sample]]


@attrs.define(eq=False)
class Caller:
    """
    Puts load on subjects from the load program.
    """

    _program: Program

    @classmethod
    @contextmanager
    def start(cls, cores: Cores) -> Iterator[Caller]:
        """
        Start the load program, and end it.
        """
        arguments = ("-m", "bench.load")
        with Program.python("load", arguments, core=cores.load, talks=True) as program:
            yield cls(program)

    def run(self, subject: Subject, *, kind: str, **rest: Any) -> Result:
        """
        Run one job on *subject*.

        Args:
            rest: further attributes of `Job`.

        Raises:
            BenchError: it could not be run at all.
        """
        job = Job(
            host=subject.host,
            port=subject.port,
            path=subject.path,
            key=subject.key,
            model=subject.prefix + kind,
            **rest,
        )
        self._program.tell(json.dumps(attrs.asdict(job)).encode())
        answer = json.loads(self._program.hear(job.seconds + 4 * GRACE_S))
        if "error" in answer:
            raise BenchError(f"{subject.name} was not reached: {answer['error']}")
        return Result(**answer)


def warm_up(caller: Caller, subjects: Sequence[Subject], requests: int) -> None:
    """
    Ask every subject for every kind of answer.

    Raises:
        BenchError: one does not answer what it is asked.
    """
    for subject in subjects:
        for kind, most in (
            (messages.WHOLE, requests),
            (messages.BURST, requests // 10 + 1),
            (messages.DRIP, 4),
        ):
            found = caller.run(
                subject, kind=kind, callers=4, most=max(most, 4), seconds=10.0
            )
            if found.faults:
                raise BenchError(f"{subject.name} answers {kind}: {found.fault}")


def run_rounds(
    caller: Caller,
    subjects: Sequence[Subject],
    measures: Sequence[Measure],
    *,
    rounds: int,
    seconds: float,
    callers: int,
    on_step: Callable[[str], None] = lambda _: None,
) -> Samples:
    """
    Run *rounds* rounds; who comes first in a round changes with the round.
    """
    samples: Samples = {}
    for number in range(rounds):
        for measure in measures:
            shift = number % len(subjects)
            for subject in (*subjects[shift:], *subjects[:shift]):
                on_step(f"round {number + 1}/{rounds} {measure.name} {subject.name}")
                sample = take_sample(
                    caller,
                    subject,
                    measure,
                    seconds=seconds,
                    callers=1 if measure.is_alone else callers,
                )
                samples.setdefault((measure.name, subject.name), []).append(sample)
    return samples


def take_sample(
    caller: Caller, subject: Subject, measure: Measure, *, seconds: float, callers: int
) -> Sample:
    """
    Measure once.
    """
    before = subject.cpu_s()
    found = caller.run(
        subject,
        kind=measure.kind,
        size=measure.size,
        seconds=seconds,
        callers=callers,
    )
    spent_s = subject.cpu_s() - before
    answered = max(1, found.requests)
    each = messages.EVENTS if measure.is_stream else 1
    return Sample(
        cpu_us=spent_s * 1e6 / (answered * each),
        per_s=found.requests / found.seconds if found.seconds else 0.0,
        p50_ms=found.p50_ms,
        p99_ms=found.p99_ms,
        first_p50_ms=found.first_p50_ms,
        first_p99_ms=found.first_p99_ms,
        reads_per_event=found.reads / (answered * each),
        requests=found.requests,
        faults=found.faults,
        fault=found.fault,
    )
