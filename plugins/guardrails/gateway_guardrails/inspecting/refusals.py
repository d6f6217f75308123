"""
What a caller is told: which guardrail, what kind of thing, which request; never the value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.errors import Blocked, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.detecting import Stage
    from gateway_guardrails.inspecting.verdicts import Hit
    from gateway_guardrails.policy.guardrail import Guardrail

_WHAT: Final[dict[Stage, str]] = {"input": "request", "output": "answer"}


def blocked(hit: Hit, stage: Stage, request_id: str) -> Blocked:
    """
    Refuse for what was found.
    """
    name, kind = hit.guardrail.name, hit.find.type
    msg = (
        f'Guardrail "{name}" blocked this {_WHAT[stage]}: {kind}. Request {request_id}.'
    )
    details = {"guardrail": name, "type": kind, "stage": stage}
    return Blocked(msg, ends=True, details=details)


def unenforceable(guardrail: Guardrail, why: str, request_id: str) -> Blocked:
    """
    Refuse because *guardrail* cannot look where it must: *why* completes "because".
    """
    msg = (
        f'Guardrail "{guardrail.name}" cannot be enforced here, because {why}. '
        f"Request {request_id}."
    )
    details = {"guardrail": guardrail.name}
    return Blocked(msg, ends=True, code="guardrail_unenforceable", details=details)


def unsparing(hits: Iterable[Hit]) -> Hit | None:
    """
    Return the first of *hits* in signed reasoning that its guardrail does not let pass as it is.

    Nothing there can be edited; where it is dropped from answers, no request should have any.
    """
    return next((hit for hit in hits if minds_seal(hit)), None)


def minds_seal(hit: Hit) -> bool:
    """
    Tell whether *hit*, in signed reasoning, refuses what it stands in.
    """
    return hit.acts and hit.guardrail.sealed != "pass"


def sealed(hit: Hit, request_id: str) -> Blocked:
    """
    Refuse because *hit* stands in signed reasoning.
    """
    why = "signed reasoning cannot be edited"
    return unenforceable(hit.guardrail, why, request_id)


def unavailable(guardrail: Guardrail, reason: str, request_id: str) -> Unavailable:
    """
    Refuse because one that must judge could not: *reason* is one word.
    """
    msg = (
        f'Guardrail "{guardrail.name}" could not judge this content ({reason}). '
        f"Request {request_id}."
    )
    details = {"guardrail": guardrail.name, "reason": reason}
    return Unavailable(msg, ends=True, code="guardrail_unavailable", details=details)
