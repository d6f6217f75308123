"""
What follows from a detector that could not judge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import attrs
import structlog

from gateway.detecting import DetectorFailed
from gateway_guardrails.inspecting.refusals import unavailable

if TYPE_CHECKING:
    from gateway.detecting import Stage
    from gateway.errors import Unavailable
    from gateway_guardrails.inspecting.notes import Notes
    from gateway_guardrails.policy.guardrail import Guardrail

log = structlog.get_logger("gateway.guardrails")


@attrs.frozen
class Failure:
    """
    A detector could not judge.

    Attributes:
        name: The detector's.
        reason: One word for programs.
        told: More for an operator; nothing of what was judged.
    """

    name: str
    reason: str
    told: str = ""

    def __str__(self) -> str:
        return f"{self.reason}: {self.told}" if self.told else self.reason

    @classmethod
    def of(cls, name: str, exc: Exception) -> Self:
        """
        Tell of what the detector *name* raised; of the text of a stranger's exception nothing.
        """
        if isinstance(exc, DetectorFailed):
            return cls(name, exc.reason, exc.told)
        return cls(name, "failed", type(exc).__name__)


def refusal_for(
    failure: Failure, guardrail: Guardrail, notes: Notes, stage: Stage, attempt: int
) -> Unavailable | None:
    """
    Tell of *failure* on the trail and in the log; return how it is refused, None if it is not.

    A guardrail that only flags has nothing to refuse, unless it is mandatory.
    """
    refuses = guardrail.on_failure == "closed" and (
        guardrail.acts or guardrail.is_mandatory
    )
    notes.failures[guardrail.name, refuses] += 1
    reason = f"{guardrail.name}: {failure.name}: {failure.reason}"
    notes.line(stage, "failed" if refuses else "failed_open", reason, attempt)
    log.warning(
        "guardrail failed",
        guardrail=guardrail.name,
        detector=failure.name,
        reason=failure.reason,
        told=failure.told,
        stage=stage,
        fails_open=not refuses,
        request_id=notes.exchange.id,
    )
    if not refuses:
        return None
    return unavailable(guardrail, failure.reason, notes.exchange.id)
