"""
The command ``guardrails eval``: how well detectors do on labelled texts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click

from gateway.client import (
    json_option,
    print_table,
    quiet_option,
    write_json,
)
from gateway.detecting import DetectorFailed
from gateway.offline import config_option, told
from gateway_guardrails.cli.local import Chosen, open_bench
from gateway_guardrails.cli.options import looking_options, where_of
from gateway_guardrails.harness.baseline import (
    BaselineInvalid,
    Tolerance,
    compare,
    read_baseline,
    written,
)
from gateway_guardrails.harness.dataset import Dataset, DatasetInvalid, read_dataset
from gateway_guardrails.harness.evaluating import Where, evaluate

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_MEASURES: Final = ("precision", "recall", "f1", "benign_block_rate", "us_per_kb")
_GROUPS: Final = ("category", "language", "length")


@click.command("eval")
@click.argument("file_of_rows", metavar="DATASET.jsonl", type=_FILE)
@looking_options
@config_option
@click.option(
    "--baseline", type=_FILE, help="Exit with 1 if anything is worse than it."
)
@click.option(
    "--write-baseline",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the report there, to compare with.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 1),
    default=0.01,
    show_default=True,
    help="A share that is not yet worse.",
)
@click.option(
    "--max-slowdown",
    type=click.FloatRange(1),
    default=2.0,
    show_default=True,
    help="How many times as slow is not yet worse; 1000 compares no costs.",
)
@json_option
@quiet_option
def evaluation(
    file_of_rows: Path,
    file: Path | None,
    stage: str,
    where: tuple[str | None, str | None],
    baseline: Path | None,
    write_baseline: Path | None,
    tolerance: float,
    max_slowdown: float,
    *,
    as_json: bool,
    quiet: bool,
    **choice: Any,
) -> None:
    """
    Let detectors look at the texts of DATASET.jsonl, and tell how well they do.

    A row is {"text", "label": 1 or 0, "category", "language", "spans": [{"type", "start",
    "end"}]}; the first two are needed. Detectors are those of --detectors or of the settings'
    rules; where there is neither, all local ones.
    """
    with told(), _faults():
        dataset = read_dataset(file_of_rows)
        chosen = Chosen(file=file, **choice)
        report = asyncio.run(_evaluate(chosen, dataset, where_of(stage, where)))
        before = None if baseline is None else read_baseline(baseline, report)
    worse = (
        []
        if before is None
        else list(
            compare(before, report, Tolerance(share=tolerance, slowdown=max_slowdown))
        )
    )
    if write_baseline is not None:
        write_baseline.write_bytes(written(report))
    if as_json:
        write_json({**report, "worse": [str(each) for each in worse]})
    elif not quiet:
        _print(report)
    for each in worse:
        click.echo(f"error: worse: {each}", err=True)
    if worse:
        raise SystemExit(1)


async def _evaluate(chosen: Chosen, dataset: Dataset, where: Where) -> dict[str, Any]:
    # As quick as where they serve.
    with TemporaryDirectory() as folder:
        async with open_bench(chosen, folder=Path(folder)) as bench:
            return await evaluate(bench.guardrails, dataset, where)


@contextmanager
def _faults() -> Iterator[None]:
    """
    Tell of what is wrong with files, and exit with 1.
    """
    try:
        yield
    except (DatasetInvalid, BaselineInvalid, DetectorFailed) as exc:
        click.echo(f"error: {exc}", err=True)
        raise SystemExit(1) from None


def _print(report: dict[str, Any]) -> None:
    head = ("detector", "of", "", "texts", *_MEASURES)
    print_table(head, list(_lines(report)))
    types = list(_type_lines(report))
    if types:
        click.echo()
        columns = ("spans", "finds", "precision", "recall", "named_recall", "f1")
        print_table(("detector", "type", *columns), types)


def _lines(report: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    for name, tally in report["detectors"].items():
        yield (name, "all", "", *_figures(tally["overall"]))
        for by in _GROUPS:
            groups = tally[by]
            if len(groups) > 1:
                for group, scores in groups.items():
                    yield (name, by, group or "(none)", *_figures(scores))


def _figures(scores: dict[str, Any]) -> tuple[object, ...]:
    return (scores["texts"], *(scores[measure] for measure in _MEASURES))


def _type_lines(report: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    for name, tally in report["detectors"].items():
        for kind, scores in tally["types"].items():
            yield (name, kind, *scores.values())
