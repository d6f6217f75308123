"""
What a caller is told: which guardrail, what kind of thing, which request; never the value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.errors import Blocked, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


def spare_sealed(hits: Iterable[Hit], request_id: str) -> Sequence[Hit]:
    """
    Return which of *hits* in signed reasoning are edited: none, for that cannot be.

    Raises:
        Blocked: A guardrail that acts does not let it pass as it is.
    """
    for hit in hits:
        # Where it is dropped from answers, no request should have any.
        if hit.acts and hit.guardrail.sealed != "pass":
            why = "signed reasoning cannot be edited"
            raise unenforceable(hit.guardrail, why, request_id)
    return ()


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
