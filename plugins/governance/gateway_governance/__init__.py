"""
Governance for Gatewright: who may call.
"""

from __future__ import annotations

from gateway_governance.owners import VirtualKeySettings
from gateway_governance.plugin import GovernancePlugin
from gateway_governance.settings import GovernanceSettings

__all__ = ["GovernancePlugin", "GovernanceSettings", "VirtualKeySettings"]
