"""
The audit plugin.
"""

from __future__ import annotations

from typing import ClassVar

from gateway import Phase, Plugin
from gateway_audit.settings import AuditSettings


class AuditPlugin(Plugin):
    """
    The audit plugin.
    """

    phase: ClassVar[Phase] = Phase.OBSERVE
    Settings: ClassVar[type] = AuditSettings

    settings: AuditSettings
