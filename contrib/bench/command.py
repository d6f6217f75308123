"""
The command line.
"""

from __future__ import annotations

import json
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import click

from bench.machine import Cores, describe
from bench.memory import Memory, measure_memory, measure_start
from bench.programs import BenchError, Program
from bench.report import Report
from bench.rounds import MEASURES, Caller, Measure, run_rounds, warm_up
from bench.subjects import (
    CALIBRATOR,
    DIRECT,
    GATEWAY,
    NGINX,
    WITH_PLUGINS,
    Starter,
    Subject,
    find_nginx,
    other_subject,
)

_MICRO_TIMEOUT_S: Final = 120.0
_OWN: Final = (DIRECT, CALIBRATOR, NGINX, GATEWAY)
_NAMES: Final = tuple(measure.name for measure in MEASURES)


@attrs.frozen(kw_only=True)
class Plan:
    """
    What is measured, and for how long.

    Attributes:
        subjects: those that are started here, by name.
        others: those that run already.
        seconds: of one measure on one subject in one round.
        streams: held open to measure memory; 0 leaves memory out.
        starts: how often each subject is started; 0 leaves that out.
        micro: series of each of the figures without a network; 0 leaves them out.
    """

    subjects: tuple[str, ...]
    others: tuple[Subject, ...]
    measures: tuple[Measure, ...]
    rounds: int
    seconds: float
    callers: int
    streams: int
    starts: int
    micro: int
    warm_up: int
    upstream_port: int


def _split(
    _: click.Context, option: click.Parameter, written: str | None
) -> tuple[str, ...] | None:
    if written is None:
        return None
    return tuple(name for name in written.split(",") if name)


def _among(known: Sequence[str]) -> Callable[..., tuple[str, ...] | None]:
    """
    Return a reader of lists, separated by commas, of *known* words.
    """

    def read(
        context: click.Context, option: click.Parameter, written: str | None
    ) -> tuple[str, ...] | None:
        names = _split(context, option, written)
        for name in names or ():
            if name not in known:
                raise click.BadParameter(f"{name!r} is none of {' '.join(known)}")
        return names

    return read


def _read_others(
    _: click.Context, __: click.Parameter, written: tuple[str, ...]
) -> tuple[Subject, ...]:
    try:
        return tuple(other_subject(each) for each in written)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("bench", help=__doc__)
@click.option("--quick", is_flag=True, help="About 20 seconds instead of 4 minutes.")
@click.option(
    "--subjects",
    metavar="NAME,…",
    callback=_among(_OWN),
    help=f"Whom to start and measure: {','.join(_OWN)}; all by default.",
)
@click.option(
    "--subject",
    "others",
    metavar="NAME=URL,PID[,KEY[,PREFIX]]",
    multiple=True,
    callback=_read_others,
    help="Another gateway that runs already: its base URL, its process id, the key to "
    "show, and what stands before a model's name (bench/).  Point it at the upstream: "
    "see --upstream-port.",
)
@click.option(
    "--upstream-port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Where the upstream listens, for --subject; else any free port.",
)
@click.option(
    "--plugins",
    metavar="NAME,…",
    callback=_split,
    default="",
    help="Measure the gateway with these installed plugins beside its core alone.",
)
@click.option(
    "--gateway",
    "command",
    metavar="COMMAND",
    default="",
    help="What starts the gateway, before `serve -c FILE`; else the one of this tree.",
)
@click.option(
    "--measures",
    metavar="NAME,…",
    callback=_among((*_NAMES, "memory", "start", "micro")),
    help=f"What to measure: {','.join(_NAMES)},memory,start,micro; all by default.",
)
@click.option("--rounds", type=click.IntRange(1, 1000), help="How often.")
@click.option(
    "--seconds",
    type=click.FloatRange(0.05, 60.0),
    help="Of each measure on each subject in each round.",
)
@click.option("--callers", type=click.IntRange(1, 2000), default=32, show_default=True)
@click.option("--streams", type=click.IntRange(1, 5000), help="Open, for memory.")
@click.option(
    "--burn-us",
    type=click.FloatRange(0, 1e6),
    default=0.0,
    help="CPU that the calibrator wastes on each request, to prove the bench.",
)
@click.option("--no-pin", is_flag=True, help="Let the system choose the cores.")
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write every figure of every round to a file as well.",
)
@click.option("--check", is_flag=True, help="Exit with 1 if a target is missed.")
def main(
    plugins: tuple[str, ...],
    command: str,
    burn_us: float,
    no_pin: bool,
    json_file: Path | None,
    check: bool,
    **chosen: Any,
) -> None:
    """
    Measure, and print a page of Markdown.
    """
    # So that an end from outside ends what was started as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    cores = Cores() if no_pin else Cores.apart()
    plan = _plan(has_plugins=bool(plugins), **chosen)
    try:
        with tempfile.TemporaryDirectory(prefix="gatewright-bench-") as folder:
            starter = Starter(
                cores=cores,
                folder=Path(folder),
                plugins=plugins,
                command=tuple(shlex.split(command)),
                burn_us=burn_us,
            )
            report = run(plan, starter)
    except BenchError as error:
        raise click.ClickException(str(error)) from None
    finally:
        _say("")
    print(report.markdown())
    if json_file is not None:
        json_file.write_text(json.dumps(report.document(), indent=1) + "\n")
    if report.faults() or (check and report.missed()):
        sys.exit(1)


def _plan(
    *,
    has_plugins: bool,
    quick: bool,
    subjects: tuple[str, ...] | None,
    others: tuple[Subject, ...],
    measures: tuple[str, ...] | None,
    rounds: int | None,
    seconds: float | None,
    callers: int,
    streams: int | None,
    upstream_port: int,
) -> Plan:
    if subjects is None:
        subjects = tuple(n for n in _OWN if n != NGINX or find_nginx())
    if has_plugins:
        subjects = (*subjects, WITH_PLUGINS)
    wanted = (*_NAMES, "memory", "start", "micro") if measures is None else measures
    return Plan(
        subjects=subjects,
        others=others,
        measures=tuple(each for each in MEASURES if each.name in wanted),
        rounds=rounds or (2 if quick else 6),
        seconds=seconds or (0.2 if quick else 1.2),
        callers=callers,
        streams=(streams or (100 if quick else 500)) if "memory" in wanted else 0,
        starts=(1 if quick else 3) if "start" in wanted else 0,
        micro=(5 if quick else 20) if "micro" in wanted and GATEWAY in subjects else 0,
        warm_up=100 if quick else 1000,
        upstream_port=upstream_port,
    )


def run(plan: Plan, starter: Starter) -> Report:
    """
    Measure everything in *plan*.

    Raises:
        BenchError: something could not be started, or answers wrongly.
    """
    report = Report(
        machine=describe(find_nginx() if NGINX in plan.subjects else None),
        options=_options(plan, starter),
        subjects=[*plan.subjects, *(other.name for other in plan.others)],
        measures=plan.measures,
        samples={},
        plugins=starter.plugins,
    )
    if plan.micro:
        _say("figures without a network")
        report.micro = _micro(plan.micro, starter.cores)
    with (
        starter.upstream(plan.upstream_port) as upstream,
        Caller.start(starter.cores) as caller,
    ):
        if plan.starts:
            _say("starts")
            names = plan.subjects
            report.starts = measure_start(starter, upstream, names, times=plan.starts)
        with starter.all(plan.subjects, upstream) as started:
            subjects = [*started, *plan.others]
            if plan.streams:
                report.memory = _memory(caller, subjects, plan.streams)
            if plan.measures:
                _say("warming up")
                warm_up(caller, subjects, plan.warm_up)
                report.samples = _rounds(plan, caller, subjects)
    return report


def _options(plan: Plan, starter: Starter) -> dict[str, Any]:
    cores = starter.cores
    pinned = f"subjects on core {cores.subject}, load and upstream on core {cores.load}"
    return {
        "rounds": plan.rounds,
        "seconds": plan.seconds,
        "callers": plan.callers,
        "streams": plan.streams,
        "pinned": "not pinned" if cores.subject is None else pinned,
        "burn_us": starter.burn_us,
    }


def _micro(times: int, cores: Cores) -> dict[str, float]:
    arguments = ("-m", "bench.micro", str(times))
    with Program.python("micro", arguments, core=cores.subject, talks=True) as program:
        found: dict[str, float] = json.loads(program.hear(_MICRO_TIMEOUT_S))
        return found


def _memory(
    caller: Caller, subjects: Sequence[Subject], streams: int
) -> dict[str, Memory]:
    found = {}
    for subject in subjects:
        if subject.pid is not None:
            _say(f"memory {subject.name}")
            found[subject.name] = measure_memory(
                caller, subject, streams=streams, size=200
            )
    return found


def _rounds(plan: Plan, caller: Caller, subjects: Sequence[Subject]) -> Any:
    return run_rounds(
        caller,
        subjects,
        plan.measures,
        rounds=plan.rounds,
        seconds=plan.seconds,
        callers=plan.callers,
        on_step=_say,
    )


def _say(step: str) -> None:
    """
    Tell whoever looks on where we are, on one line that is written again and again.
    """
    if sys.stderr.isatty():
        sys.stderr.write(
            f"\r\x1b[K{time.strftime('%X')} {step}" if step else "\r\x1b[K"
        )
        sys.stderr.flush()
