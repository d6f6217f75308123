"""
What guardrails tell the rest of the gateway, and themselves in other workers.
"""

from __future__ import annotations

import attrs

from gateway import Finding
from gateway.events import Event


@attrs.frozen(kw_only=True)
class GuardrailChanged(Event):
    """
    A guardrail was made, changed or removed by the management API.

    Attributes:
        action: ``created``, ``changed``, ``removed``.
    """

    name: str
    action: str


@attrs.frozen(kw_only=True)
class ConversationsForgotten(Event):
    """
    A person is to be forgotten, and with that what stands for whom, in every worker.

    Who it is stays untold: what one worker tells the others is written down.
    """


@attrs.frozen(kw_only=True)
class GuardrailActed(Event):
    """
    Guardrails found something in an exchange; told in its own process alone.

    Attributes:
        findings: Places and types, never texts.
        latency_ns: How long they looked.
    """

    request_id: str
    key_id: str | None = None
    team_id: str | None = None
    findings: tuple[Finding, ...] = ()
    latency_ns: int = 0
