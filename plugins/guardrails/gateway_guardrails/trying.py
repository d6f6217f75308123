"""
Looking at one text, outside of any exchange: to try rules and detectors.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter_ns
from typing import Any, Final

import attrs

from gateway.detecting import (
    DetectorFailed,
    Find,
    Passage,
    Place,
    Question,
    Stage,
    TextDetector,
)
from gateway_guardrails.characters import without_halves
from gateway_guardrails.inspecting import asking
from gateway_guardrails.inspecting.checking import found_by
from gateway_guardrails.inspecting.failures import Failure
from gateway_guardrails.inspecting.opinions import masked_in
from gateway_guardrails.inspecting.plan import Asking
from gateway_guardrails.policy.guardrail import Guardrail, NamedJudge

#: Characters of a text that is tried.
MAX_CHARACTERS: Final = 1_000_000


@attrs.frozen(kw_only=True)
class Found:
    """
    Something that was found.

    Attributes:
        counts: It is severe and sure enough for the guardrail.
        is_flagged: Who was asked found it and lets it pass: it is recorded, and nothing is done.
    """

    guardrail: str
    detector: str
    find: Find
    counts: bool = True
    is_flagged: bool = False


@attrs.frozen(kw_only=True)
class Said:
    """
    What somebody said who was asked about one text.

    Attributes:
        finds: What it found, or masked.
        flagged: What it found and lets pass.
        is_blocked: It says no, whatever it found.
    """

    finds: Sequence[Find] = ()
    flagged: Sequence[Find] = ()
    is_blocked: bool = False


@attrs.frozen(kw_only=True)
class Looked:
    """
    What came of looking.

    Attributes:
        failures: Detectors that could not look: guardrail, detector and why.
        blocked_by: Guardrails whose service said no, whatever it found.
        spent_ns: Time, those who are asked included.
    """

    found: tuple[Found, ...] = ()
    failures: tuple[tuple[str, str, str], ...] = ()
    blocked_by: tuple[str, ...] = ()
    spent_ns: int = 0


def find_all(detector: TextDetector, text: str, place: Place) -> Sequence[Find]:
    """
    Return everything that *detector* finds in *text*, which is all there is.

    Raises:
        DetectorFailed: It says what cannot be.
    """
    finds, _ = found_by(detector.find, without_halves(text), 0, final=True, place=place)
    return finds


async def look(guardrails: Sequence[Guardrail], text: str, place: Place) -> Looked:
    """
    Let *guardrails* look at *text*; nothing is recorded, and nobody's condition is asked.

    Those that look by themselves do so in a thread, for a text may be long.
    """
    began = perf_counter_ns()
    found: list[Found] = []
    failures: list[tuple[str, str, str]] = []
    blocked_by: list[str] = []
    for guardrail in guardrails:
        for named in guardrail.texts_at(place.stage):
            try:
                finds = await asyncio.to_thread(find_all, named.detector, text, place)
            except Exception as exc:  # noqa: BLE001 - told as the gateway would
                why = str(Failure.of(named.name, exc))
                failures.append((guardrail.name, named.name, why))
                continue
            found += _found(guardrail, named.name, finds)
        for judge in guardrail.judges_at(place.stage):
            try:
                said = await ask(guardrail, judge, text, place)
            except DetectorFailed as exc:
                failures.append((guardrail.name, judge.name, str(exc)))
                continue
            found += _found(guardrail, judge.name, said.finds)
            found += _found(guardrail, judge.name, said.flagged, is_flagged=True)
            if said.is_blocked:
                blocked_by.append(guardrail.name)
    return Looked(
        found=tuple(found),
        failures=tuple(failures),
        blocked_by=tuple(dict.fromkeys(blocked_by)),
        spent_ns=perf_counter_ns() - began,
    )


async def ask(guardrail: Guardrail, judge: NamedJudge, text: str, place: Place) -> Said:
    """
    Ask *judge* about *text*.

    Raises:
        DetectorFailed: It could not judge, or took longer than *guardrail* gives it.
    """
    question = Question(stage=place.stage, passages=(Passage(text, place),))
    one = Asking(judge.name, judge.judge, judge.kind, guardrail)
    verdict = await asking.ask(one, question)
    if verdict.reason:
        raise DetectorFailed(verdict.reason, verdict.told)
    opinion = verdict.opinion
    finds = [find for finds in opinion.finds for find in finds]
    for masked in opinion.masked:
        if masked is not None:
            finds += masked_in(text, masked, finds)
    return Said(
        finds=[*finds, *opinion.whole],
        flagged=[find for finds in opinion.flagged for find in finds],
        is_blocked=opinion.is_blocked,
    )


def _found(
    guardrail: Guardrail, name: str, finds: Sequence[Find], *, is_flagged: bool = False
) -> list[Found]:
    return [
        Found(
            guardrail=guardrail.name,
            detector=name,
            find=find,
            counts=guardrail.counts(find.severity, find.score),
            is_flagged=is_flagged,
        )
        for find in finds
    ]


def looked_shape(looked: Looked) -> dict[str, Any]:
    """
    Write what came of a look.
    """
    return {
        "findings": [
            {
                "guardrail": found.guardrail,
                "detector": found.detector,
                "type": found.find.type,
                "severity": found.find.severity,
                "score": found.find.score,
                "span": [found.find.start, found.find.end],
                "counts": found.counts,
                "flagged": found.is_flagged,
            }
            for found in looked.found
        ],
        "failures": [
            {"guardrail": guardrail, "detector": detector, "why": why}
            for guardrail, detector, why in looked.failures
        ],
        "blocked_by": list(looked.blocked_by),
        "spent_us": looked.spent_ns / 1_000,
    }


def place_at(stage: Stage, role: str | None, kind: str | None) -> Place:
    """
    Make the place of a text that stands nowhere: a message, unless somebody says otherwise.
    """
    usual = "user" if stage == "input" else "assistant"
    return Place(stage=stage, role=role or usual, kind=kind or "message")
