"""
The guardrails plugin.
"""

from __future__ import annotations

from typing import ClassVar

from gateway import Phase, Plugin
from gateway_guardrails.settings import GuardrailsSettings


class GuardrailsPlugin(Plugin):
    """
    The guardrails plugin.
    """

    phase: ClassVar[Phase] = Phase.INSPECT
    Settings: ClassVar[type] = GuardrailsSettings

    settings: GuardrailsSettings
