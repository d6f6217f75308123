"""
One guardrail, made: what inspection goes by.

A rule of the settings or of the management API becomes a `Guardrail` once per snapshot: its
detectors are made, its condition is compiled, what was left out has its default.
"""

from __future__ import annotations

from typing import Final, Literal

import attrs

from gateway.conditions import Condition
from gateway.detecting import Detector, Judge, Severity, Stage, TextDetector

Action = Literal["block", "redact", "flag"]
Streaming = Literal["window", "buffer", "async"]
OnFailure = Literal["open", "closed"]
Style = Literal["placeholder", "synthetic", "mask"]
Sealed = Literal["pass", "block", "drop"]

#: Which severity counts as at least which.
SEVERITY_RANK: Final[dict[Severity, int]] = {
    "low": 0,
    "medium": 1,
    "high": 2,
    "critical": 3,
}


@attrs.frozen(kw_only=True)
class NamedDetector:
    """
    A detector that looks by itself, and the word that the rule has for it.

    Attributes:
        name: The detector's registered name, which findings show.
        stages: Where it looks: where both the rule and the detector do.
    """

    name: str
    detector: TextDetector = attrs.field(repr=False)
    stages: frozenset[Stage] = frozenset({"input", "output"})


@attrs.frozen(kw_only=True)
class NamedJudge:
    """
    One that is asked, its word, and what it was registered as.

    Attributes:
        stages: As `NamedDetector.stages`.
    """

    name: str
    judge: Judge = attrs.field(repr=False)
    kind: Detector = attrs.field(repr=False)
    stages: frozenset[Stage] = frozenset({"input", "output"})


@attrs.frozen(kw_only=True)
class Scope:
    """
    To whom a guardrail is attached; one that is attached to nobody counts for everybody.

    Attachments add up: whoever is named in any of them has the guardrail.

    Attributes:
        customers: Ids or names; likewise *teams* and *virtual_keys*.
        models: As callers, or a provider, call them: ``smart``, ``openai/gpt-5``, ``claude-*``.
        providers: Names in the settings.
    """

    customers: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    virtual_keys: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()

    @property
    def is_global(self) -> bool:
        """
        Whether it counts for everybody.
        """
        return not (self.concerns_callers or self.concerns_targets)

    @property
    def concerns_callers(self) -> bool:
        """
        Whether it is attached to somebody who calls.
        """
        return bool(self.customers or self.teams or self.virtual_keys)

    @property
    def concerns_targets(self) -> bool:
        """
        Whether it is attached to something that is asked.
        """
        return bool(self.models or self.providers)


@attrs.frozen(kw_only=True, eq=False)
class Guardrail:
    """
    A rule, made.

    Attributes:
        texts: Those that look by themselves.
        judges: Those that are asked.
        streaming: How an answer that streams is held back; one in shadow holds nothing back.
        timeout_s: How long each judge may take.
        restores: Originals are put back into the answer for the caller.
        is_shadow: It decides and records, and does not act.
        sample: The share of exchanges that it looks at, 0 to 1.
        is_mandatory: What cannot enforce it is refused; such a one is never in shadow.
        is_on_request: It counts for those exchanges alone that ask for it.
        least_severity: Finds below it count for nothing.
        threshold: Finds whose score is below it count for nothing.
        sealed: What becomes of signed reasoning with finds, which cannot be edited.
        condition: When it counts; None is always.
    """

    name: str
    texts: tuple[NamedDetector, ...] = ()
    judges: tuple[NamedJudge, ...] = ()
    stages: frozenset[Stage] = frozenset({"input", "output"})
    action: Action = "block"
    streaming: Streaming = "window"
    on_failure: OnFailure = "closed"
    timeout_s: float = 5.0
    restores: bool = False
    is_shadow: bool = False
    sample: float = 1.0
    is_mandatory: bool = False
    is_on_request: bool = False
    least_severity: Severity = "low"
    threshold: float = 0.0
    style: Style = "placeholder"
    sealed: Sealed = "block"
    condition: Condition | None = None
    scope: Scope = attrs.field(factory=Scope)

    def __attrs_post_init__(self) -> None:
        if self.is_mandatory and self.is_shadow:
            raise ValueError("what is mandatory is never in shadow")

    def counts(self, severity: Severity, score: float) -> bool:
        """
        Tell whether a find of *severity* and *score* is one for this guardrail.
        """
        return (
            score >= self.threshold
            and SEVERITY_RANK[severity] >= SEVERITY_RANK[self.least_severity]
        )

    def texts_at(self, stage: Stage) -> tuple[NamedDetector, ...]:
        """
        Return those that look by themselves at *stage*.
        """
        return tuple(each for each in self.texts if stage in each.stages)

    def judges_at(self, stage: Stage) -> tuple[NamedJudge, ...]:
        """
        Return those that are asked at *stage*.
        """
        return tuple(each for each in self.judges if stage in each.stages)

    @property
    def acts(self) -> bool:
        """
        Whether it does anything about what it finds but record it.
        """
        return self.action != "flag" and not self.is_shadow

    @property
    def refuses_unread(self) -> bool:
        """
        Whether words that nobody can read are refused: it would act on them, or must see all.
        """
        return self.acts or self.is_mandatory

    @property
    def detectors(self) -> tuple[NamedDetector | NamedJudge, ...]:
        """
        All who look or are asked.
        """
        return (*self.texts, *self.judges)
