"""
What was found in one exchange, as it is told: on the trail, and to whoever records findings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import attrs

from gateway import Exchange, Finding
from gateway.detecting import Place
from gateway_guardrails.policy.guardrail import Guardrail
from gateway_guardrails.settings import PLUGIN

if TYPE_CHECKING:
    from gateway.detecting import Stage
    from gateway_guardrails.inspecting.asking import Verdict
    from gateway_guardrails.inspecting.verdicts import Hit

#: Findings of one exchange that are told one by one; of the rest only the number.
MAX_FINDINGS: Final = 1000
#: So many of them are kept free for what blocks, which nothing before it may hide.
_FOR_BLOCKS: Final = 100
_OUTCOMES: Final = {"block": "refused", "redact": "changed", "flag": "flagged"}


@attrs.define(eq=False)
class Notes:
    """
    The findings of one exchange.
    """

    exchange: Exchange
    findings: list[Finding] = attrs.field(factory=list)
    untold: int = 0
    #: How often each guardrail could not judge, and whether that refused.
    failures: Counter[tuple[str, bool]] = attrs.field(factory=Counter)
    #: What was found since it was last put on the trail, by guardrail and what was done.
    _fresh: dict[tuple[Guardrail, str], Counter[str]] = attrs.field(factory=dict)

    def take(
        self,
        hit: Hit,
        place: Place,
        *,
        offset: int | None = 0,
        action: str | None = None,
    ) -> None:
        """
        Take note of *hit*.

        Args:
            offset: Where the text that it was found in begins in the one that is told of; None
                if it has no place.
            action: What was done, where that is not what the guardrail says.
        """
        guardrail, detector, find, took_us = hit
        done = action or guardrail.action
        self._fresh.setdefault((guardrail, done), Counter())[find.type] += 1
        room = MAX_FINDINGS if done == "block" else MAX_FINDINGS - _FOR_BLOCKS
        if len(self.findings) >= room:
            self.untold += 1
            return
        span = None
        if offset is not None and find.end:
            span = (offset + find.start, offset + find.end)
        finding = Finding(
            guardrail=guardrail.name,
            detector=detector,
            type=find.type,
            severity=find.severity,
            action=done,
            stage=place.stage,
            span=span,
            score=find.score,
            place=f"{place.role or 'unknown'} {place.kind}",
            is_shadow=guardrail.is_shadow,
            took_us=took_us,
        )
        self.findings.append(finding)
        self.exchange.trail.findings.append(finding)

    def take_unplaced(self, hit: Hit, stage: Stage) -> None:
        """
        Take note of *hit*, which concerns all that was looked at: it can only be refused.
        """
        action = "flag" if hit.guardrail.action == "flag" else "block"
        self.take(hit, Place(stage=stage, kind="whole"), offset=None, action=action)

    def tell(self, stage: Stage, attempt: int = 0) -> None:
        """
        Put what was found since on the trail: a line for each guardrail that found something.
        """
        fresh, self._fresh = self._fresh, {}
        for (guardrail, action), counts in fresh.items():
            kinds = ", ".join(_counted(kind, count) for kind, count in counts.items())
            outcome = _OUTCOMES[action]
            if guardrail.is_shadow:
                kinds, outcome = f"{kinds} (shadow: {outcome})", "passed"
            self.line(stage, outcome, f"{guardrail.name}: {kinds}", attempt)

    def line(self, stage: Stage, outcome: str, reason: str, attempt: int = 0) -> None:
        """
        Put one line on the trail.
        """
        self.exchange.trail.add(PLUGIN, stage, outcome, reason, 0, attempt)

    def asked(self, verdict: Verdict, stage: Stage, attempt: int = 0) -> None:
        """
        Say that a judge was asked: how long it thought, and what its service counts.

        The time is part of the hook's own, so that it stands in words and is not added up.
        """
        asking, opinion = verdict.asking, verdict.opinion
        told = [f"{asking.guardrail.name}: {asking.name}: {verdict.took_us} us"]
        told += [f"{count} {unit}" for unit, count in opinion.units.items()]
        if opinion.cost_nano:
            told.append(f"{opinion.cost_nano / 1e9:.9f} USD")
        self.line(stage, "asked", ", ".join(told), attempt)

    def not_run(self, guardrails: Iterable[Guardrail], stage: Stage, why: str) -> None:
        """
        Say that *guardrails* did not look, which is not the same as finding nothing.
        """
        names = ", ".join(guardrail.name for guardrail in guardrails)
        self.line(stage, "not_run", f"{names}: {why}")


def _counted(kind: str, count: int) -> str:
    return kind if count == 1 else f"{kind} x{count}"
