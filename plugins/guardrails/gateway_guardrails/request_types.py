"""
Requests that there may not be, whatever is in them: of another operation, in another dialect.

A detector of texts that minds a request as such has a method `find_in_request`.  It is asked of
the caller's request, one without any text too; what it finds has no place and is refused where
the rule acts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, Protocol, cast

from gateway_guardrails.inspecting.inspection import INSPECTION
from gateway_guardrails.inspecting.refusals import blocked
from gateway_guardrails.inspecting.verdicts import Hit

if TYPE_CHECKING:
    from gateway import Attempt, Exchange
    from gateway.detecting import Find
    from gateway_guardrails.policy.guardrail import Guardrail

__all__ = ["RequestDetector", "check_request_type"]

_STAGE: Final = "input"


class RequestDetector(Protocol):
    """
    A detector that looks at what a request is, beside its texts.
    """

    def find_in_request(self, operation: str, dialect: str) -> Sequence[Find]:
        """
        Find what is wrong with a request for *operation*, in the caller's *dialect*.

        Returns:
            Finds without a place: their span is (0, 0).
        """


def check_request_type(exchange: Exchange, attempt: Attempt | None = None) -> None:
    """
    Let guardrails under inspection look at what the request of *exchange* is.

    Args:
        attempt: Those look that count because of its target; without one, those that count
            whatever it is.

    Raises:
        Blocked: One that acts minds it.
    """
    inspection = exchange.stash.get(INSPECTION)
    if inspection is None:
        return
    guardrails = (
        inspection.guardrails if attempt is None else inspection.for_target(attempt)
    )
    hits = list(_hits(guardrails, exchange))
    if not hits:
        return
    for hit in hits:
        inspection.notes.take_unplaced(hit, _STAGE)
    inspection.notes.tell(_STAGE, 0 if attempt is None else attempt.number)
    acting = next((hit for hit in hits if hit.acts), None)
    if acting is not None:
        raise blocked(acting, _STAGE, exchange.id)


def _hits(guardrails: Iterable[Guardrail], exchange: Exchange) -> Iterator[Hit]:
    operation, dialect = exchange.operation, exchange.dialect.name
    for guardrail in guardrails:
        for named in guardrail.texts_at(_STAGE):
            if not hasattr(named.detector, "find_in_request"):
                continue
            detector = cast("RequestDetector", named.detector)
            for find in detector.find_in_request(operation, dialect):
                if guardrail.counts(find.severity, find.score):
                    yield Hit(guardrail, named.name, find)
