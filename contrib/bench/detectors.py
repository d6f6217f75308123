"""
What the local detectors of the guardrails plugin cost.

All figures are CPU time of this process, so that who else runs matters little::

    python contrib/bench/detectors.py [--detectors pii,secrets] [--parts short,streams] [FOLDER]

The first line says whether the detectors are compiled, which they are where the plugin came in a
wheel, ``pip install ./plugins/guardrails``, and not where its installation is editable.

Ordinary texts never repeat: *cold* is each text's first look, *warm* its second, and both are the
mean over all texts, since the best would be that of the easiest.  FOLDER holds JSON lines with a
``text`` each, which are measured file by file as ordinary texts as well.
"""

from __future__ import annotations

import random
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any, Final

# Started as a file: look for modules as the whole bench does.
HERE = Path(__file__).resolve().parent
sys.path[:1] = [str(HERE.parent), str(HERE.parent.parent)]

import click  # noqa: E402

from bench import messages, spoken  # noqa: E402
from bench.loops import new_runner  # noqa: E402
from gateway.clock import SystemClock  # noqa: E402
from gateway.detecting import DetectorTools, Place, TextDetector  # noqa: E402
from gateway.secrets import Secrets  # noqa: E402
from gateway.server.station import freeze  # noqa: E402
from gateway.settings import settings_from_dict  # noqa: E402
from gateway.testing import find_dialect, make_exchange  # noqa: E402
from gateway.views import Chunk  # noqa: E402
from gateway_guardrails.compiled import is_compiled  # noqa: E402
from gateway_guardrails.inspecting.inspection import Inspection  # noqa: E402
from gateway_guardrails.inspecting.notes import Notes  # noqa: E402
from gateway_guardrails.inspecting.plan import Plan  # noqa: E402
from gateway_guardrails.inspecting.window import WindowFilter  # noqa: E402
from gateway_guardrails.policy.guardrail import Guardrail, NamedDetector  # noqa: E402
from gateway_guardrails.policy.snapshot import PolicySnapshot  # noqa: E402
from gateway_guardrails.redaction import Redaction, Vault  # noqa: E402
from gateway_guardrails.redaction.lookalikes import Lookalikes  # noqa: E402
from gateway_guardrails.registry import DETECTORS  # noqa: E402

ASKED: Final = Place(stage="input", role="user")
MESSAGE: Final = 4096
_TEXTS: Final = 160
_PARTS: Final = ("ordinary", "short", "dense", "hostile", "streams")
_STREAMED: Final = ("pii", "secrets", "injection")
#: How many clauses follow each value.
_DENSITIES: Final = {"dense": 0.5, "packed": 0.0, "rich": 2.0}
_HOSTILE_BOUND_US: Final = 2500
_SEED: Final = 20261128

Named = dict[str, TextDetector]


def make_detectors(names: Sequence[str], folder: Path) -> Named:
    """
    Make detectors by their words, with the options that give them something to do.

    Args:
        folder: Where they keep what takes long to make.
    """
    settings = settings_from_dict({})
    tools = DetectorTools(
        settings=settings,
        secrets=Secrets(environ={}),
        clock=SystemClock(),
        folder=folder,
    )
    kinds = {one.name: one for one in DETECTORS}
    return {
        name: kinds[name].make(_options(kinds[name].Options, name), tools)
        for name in names
    }


def _options(cls: Any, name: str) -> Any:
    if name == "words":
        presets = ("profanity.en",)
        return cls(words=("orion", "project falcon"), presets=presets)
    if name == "topics":
        from gateway_guardrails.words.topics import Topic

        examples = ("how to build a bomb at home",)
        return cls(topics=(Topic(name="x", phrases=("pipe bomb",), examples=examples),))
    if name == "shape":
        return cls(code=True)
    return cls()


# --- whole texts ----------------------------------------------------------------------


def spent_us(detectors: Sequence[TextDetector], text: str) -> float:
    """
    Return the µs that *detectors* take for *text*.
    """
    began = process_time()
    for one in detectors:
        one.find(text, 0, final=True, place=ASKED)
    return (process_time() - began) * 1e6


def best_us(detectors: Sequence[TextDetector], text: str, times: int) -> float:
    """
    Return the least of *times*.
    """
    return min(spent_us(detectors, text) for _ in range(times))


def _each(named: Named) -> Iterator[tuple[str, Sequence[TextDetector]]]:
    for name, one in named.items():
        yield name, [one]
    if len(named) > 1:
        yield "all", list(named.values())


def ordinary(named: Named, folder: Path | None) -> Iterator[str]:
    """
    Measure messages of 4 KB that were never seen before.
    """
    yield "ordinary, 4 KB: µs/KB cold, warm; µs a message at p99 and median"
    chance = random.Random(_SEED)
    kinds = {"prose": [spoken.prose(MESSAGE, chance) for _ in range(_TEXTS)]}
    if folder is not None:
        files = sorted(folder.rglob("*.jsonl")) if folder.is_dir() else [folder]
        for file in files:
            kinds[file.stem] = list(spoken.from_file(file, MESSAGE))[:_TEXTS]
    for kind, texts in kinds.items():
        if not texts:
            continue
        for name, detectors in _each(named):
            yield f"  {kind:28} {name:10}{_ordinary(detectors, texts)}"


def _ordinary(detectors: Sequence[TextDetector], texts: Sequence[str]) -> str:
    # Anew, so that no two detectors are given the same object, and what it may remember.
    fresh = ["".join(text) for text in texts]
    kilobytes = sum(map(len, fresh)) / 1024
    cold = [spent_us(detectors, text) for text in fresh]
    warm = [best_us(detectors, text, 3) for text in fresh]
    p99 = sorted(cold)[int(len(cold) * 0.99)]
    told = sum(cold) / kilobytes, sum(warm) / kilobytes, p99, statistics.median(cold)
    return "".join(f"{one:9.1f}" for one in told)


def short(named: Named) -> Iterator[str]:
    """
    Measure what a call costs.
    """
    yield "short prose: µs a call at 100 and 500 characters, and for 150 with nothing in it"
    chance = random.Random(_SEED + 1)
    sizes = [[spoken.prose(size, chance) for _ in range(400)] for size in (100, 500)]
    empty = (
        "the river was quiet and the people on the road talked about the weather " * 3
    )
    sizes.append([empty[at : at + 150] for at in range(60)])
    for name, detectors in _each(named):
        means = [
            statistics.mean(best_us(detectors, text, 3) for text in texts)
            for texts in sizes
        ]
        yield f"  {name:10}" + "".join(f"{one:9.1f}" for one in means)


def dense(named: Named) -> Iterator[str]:
    """
    Measure texts full of personal data, by how many clauses follow each value.

    *rich* is as dense as the densest tenth of public records and letters of 4 KB: there, five to
    seven values are found in 1024 characters.  *dense* is what a collection of single sentences
    with a value each comes to, and *packed* is denser than all.
    """
    yield "full of values, 4 KB: µs/KB cold, warm; µs a message at p99 and median"
    chance = random.Random(_SEED + 2)
    for kind, clauses in _DENSITIES.items():
        texts = [spoken.dense(MESSAGE, chance, clauses=clauses) for _ in range(40)]
        for name, detectors in _each(named):
            yield f"  {kind:12}{name:10}{_ordinary(detectors, texts)}"


def hostile(named: Named, sizes: Sequence[int]) -> Iterator[str]:
    """
    Measure what was made to take long.
    """
    yield f"hostile: µs/KB at {' and '.join(map(str, sizes))} characters"
    for kind, make in spoken.HOSTILE.items():
        for name, detectors in _each(named):
            costs = [
                best_us(detectors, make(size), 2 if size < 1 << 18 else 1) / size * 1024
                for size in sizes
            ]
            mark = "  <--" if max(costs) > _HOSTILE_BOUND_US else ""
            yield f"  {kind:12}{name:10}" + "".join(f"{c:9.1f}" for c in costs) + mark


# --- streams --------------------------------------------------------------------------


async def streams(named: Named) -> list[str]:
    """
    Measure events of four characters through the filter that a gateway has.
    """
    chance = random.Random(_SEED + 3)
    text = spoken.prose(4000, chance)
    lines = ["streams: µs an event, one at a time and in reads of 20"]
    chosen = {name: one for name, one in named.items() if name in _STREAMED}
    for name, detectors in _each(chosen):
        one, twenty = [await _streamed(detectors, text, size) for size in (1, 20)]
        lines.append(f"  {name:10}{one:9.1f}{twenty:9.1f}")
    return lines


async def _streamed(
    detectors: Sequence[TextDetector], text: str, at_once: int
) -> float:
    dialect = find_dialect("openai_chat")
    pieces = [text[at : at + 4] for at in range(0, len(text), 4)]
    frames = [messages.event({"content": piece}) for piece in pieces]
    texts = tuple(
        NamedDetector(name=str(n), detector=d) for n, d in enumerate(detectors)
    )
    plan = Plan.of([Guardrail(name="bench", texts=texts, action="redact")], "output")
    best = float("inf")
    for _ in range(5):
        chunks = [Chunk(dialect, frame) for frame in frames]
        for chunk in chunks:
            chunk.texts()  # read for whoever looks first
        looking = WindowFilter(_inspection(), plan)
        began = process_time()
        for at in range(0, len(chunks), at_once):
            await looking.feed(chunks[at : at + at_once])
        await looking.flush()
        best = min(best, process_time() - began)
    return best / len(frames) * 1e6


def _inspection() -> Inspection:
    exchange = make_exchange()
    vault = Vault()
    return Inspection(
        exchange=exchange,
        snapshot=PolicySnapshot(version="1"),
        guardrails=(),
        notes=Notes(exchange),
        redaction=Redaction(
            open=lambda: vault.open(b"c", 0.0, is_named=False),
            lookalikes=Lookalikes(b"k" * 32),
            texts=list,
        ),
    )


# --- the command ----------------------------------------------------------------------


@click.command(help=__doc__)
@click.argument("folder", required=False, type=click.Path(exists=True, path_type=Path))
@click.option("--detectors", default="pii,secrets,injection,words,topics,shape")
@click.option("--parts", default=",".join(_PARTS), show_default=True)
@click.option("--sizes", default="65536,1048576", help="Of hostile texts.")
def main(folder: Path | None, detectors: str, parts: str, sizes: str) -> None:
    """
    Measure, and print a line each.
    """
    with TemporaryDirectory() as kept:
        named = make_detectors(detectors.split(","), Path(kept))
    for text in (
        "warm up: 4111 1111 1111 1111",
        "password = x",
        spoken.HOSTILE["base64"](99),
    ):
        spent_us(list(named.values()), text)
    freeze()  # as a worker does when it is ready
    print("compiled" if is_compiled() else "pure Python", flush=True)
    measured: dict[str, Callable[[], Iterator[str]]] = {
        "ordinary": lambda: ordinary(named, folder),
        "short": lambda: short(named),
        "dense": lambda: dense(named),
        "hostile": lambda: hostile(named, [int(size) for size in sizes.split(",")]),
        "streams": lambda: _run(streams(named)),
    }
    for part in parts.split(","):
        for line in measured[part]():
            print(line, flush=True)


def _run(measuring: Any) -> Iterator[str]:
    with new_runner() as runner:
        yield from runner.run(measuring)


if __name__ == "__main__":
    main()
