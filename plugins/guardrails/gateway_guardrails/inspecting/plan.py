"""
Which detectors look at one stage of one exchange, each once however many guardrails name it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

import attrs

from gateway.detecting import Detector, Judge, Stage, TextDetector
from gateway_guardrails.policy.guardrail import Guardrail

T = TypeVar("T")
_MAX_PLANS: Final = 1024


@attrs.frozen(eq=False)
class Scan:
    """
    A detector that looks by itself, and the guardrails that go by what it finds.
    """

    name: str
    detector: TextDetector = attrs.field(repr=False)
    guardrails: tuple[Guardrail, ...]


@attrs.frozen(eq=False)
class Asking:
    """
    A judge, and the guardrail that asks it.

    Attributes:
        number: Which of those that the guardrail asks, for several may have one name.
    """

    name: str
    judge: Judge = attrs.field(repr=False)
    kind: Detector = attrs.field(repr=False)
    guardrail: Guardrail
    number: int = 0


@attrs.frozen(eq=False, kw_only=True)
class Plan:
    """
    What looks at the texts of one stage.

    Attributes:
        scans: Those that look by themselves.
        askings: Those that are asked.
        context: How many characters left of what is undecided the scans need.
        acts: Whether anything that is found is blocked or redacted.
    """

    guardrails: tuple[Guardrail, ...]
    scans: tuple[Scan, ...]
    askings: tuple[Asking, ...]
    context: int
    acts: bool
    mark: bytes

    @classmethod
    def of(cls, guardrails: Iterable[Guardrail], stage: Stage) -> Plan:
        """
        Make the plan of *guardrails*.
        """
        chosen = tuple(guardrails)
        scans = _scans_of(chosen, stage)
        return cls(
            guardrails=chosen,
            scans=scans,
            askings=tuple(
                Asking(one.name, one.judge, one.kind, guardrail, number)
                for guardrail in chosen
                for number, one in enumerate(guardrail.judges_at(stage))
            ),
            context=max((scan.detector.context for scan in scans), default=1),
            acts=any(guardrail.acts for guardrail in chosen),
            mark="\0".join(
                f"{scan.name} {scan.guardrails[0].name}" for scan in scans
            ).encode(),
        )

    @property
    def is_empty(self) -> bool:
        """
        Whether nobody looks.
        """
        return not (self.scans or self.askings)


def _scans_of(guardrails: Sequence[Guardrail], stage: Stage) -> tuple[Scan, ...]:
    found: dict[int, tuple[str, TextDetector, list[Guardrail]]] = {}
    for guardrail in guardrails:
        for one in guardrail.texts_at(stage):
            entry = found.setdefault(id(one.detector), (one.name, one.detector, []))
            if guardrail not in entry[2]:
                entry[2].append(guardrail)
    return tuple(Scan(name, made, tuple(rules)) for name, made, rules in found.values())


@attrs.frozen(eq=False, kw_only=True)
class OutputPlan:
    """
    What looks at an answer, and how each holds it back.

    Attributes:
        window: Looks at what comes, and holds back what may still grow into a find.
        buffer: Holds back whole texts.
        background: Lets pass and looks meanwhile; may cut the answer, never edit it.
        shadow: Likewise, and never cuts it: by itself, so that no other rule waits for it.
        ahead: What blocks in *buffer*, looking by itself: where *window* edits what stands before
            it, it looks ahead of that, for the strictest verdict wins.
        drops_sealed: Signed reasoning is taken out.
        blind: One that must see all of an answer, and sees its words alone; None if none must.
    """

    window: Plan
    buffer: Plan
    background: Plan
    shadow: Plan
    ahead: Plan
    drops_sealed: bool
    blind: Guardrail | None

    @classmethod
    def of(cls, guardrails: Iterable[Guardrail]) -> OutputPlan:
        """
        Make the plan of *guardrails*.
        """
        chosen = tuple(guardrails)
        window, buffer, background, shadow = [], [], [], []
        for guardrail in chosen:
            if guardrail.is_shadow:
                shadow.append(guardrail)
            elif guardrail.streaming == "async":
                background.append(guardrail)
            elif guardrail.streaming == "window" and not guardrail.judges_at("output"):
                window.append(guardrail)
            else:  # a verdict on part of a text is none, so a judge is given all of it
                buffer.append(guardrail)
        edits = any(one.acts and one.action == "redact" for one in window)
        ahead = [one for one in buffer if edits and one.acts and one.action == "block"]
        return cls(
            window=Plan.of(window, "output"),
            buffer=Plan.of(buffer, "output"),
            background=Plan.of(background, "output"),
            shadow=Plan.of(shadow, "output"),
            ahead=Plan.of(ahead, "output"),
            drops_sealed=any(
                guardrail.sealed == "drop" and guardrail.acts for guardrail in chosen
            ),
            blind=next((one for one in chosen if one.is_mandatory), None),
        )


@attrs.define(eq=False)
class Plans:
    """
    Plans that were made, so that an exchange like others makes none.
    """

    _inputs: dict[tuple[Guardrail, ...], Plan] = attrs.field(factory=dict)
    _outputs: dict[tuple[Guardrail, ...], OutputPlan] = attrs.field(factory=dict)

    def for_input(self, guardrails: tuple[Guardrail, ...]) -> Plan:
        """
        Return the plan for requests of those of *guardrails* that look at them.
        """
        plan = self._inputs.get(guardrails)
        if plan is None:
            plan = Plan.of(_at("input", guardrails), "input")
            _keep(self._inputs, guardrails, plan)
        return plan

    def for_output(self, guardrails: tuple[Guardrail, ...]) -> OutputPlan:
        """
        Return the plan for answers, likewise.
        """
        plan = self._outputs.get(guardrails)
        if plan is None:
            plan = OutputPlan.of(_at("output", guardrails))
            _keep(self._outputs, guardrails, plan)
        return plan

    def clear(self) -> None:
        """
        Let go of the guardrails of a snapshot that is no longer in force.
        """
        self._inputs.clear()
        self._outputs.clear()


def _at(stage: Stage, guardrails: Iterable[Guardrail]) -> list[Guardrail]:
    return [guardrail for guardrail in guardrails if stage in guardrail.stages]


def _keep(
    kept: dict[tuple[Guardrail, ...], T], at: tuple[Guardrail, ...], plan: T
) -> None:
    if len(kept) >= _MAX_PLANS:
        kept.clear()
    kept[at] = plan
