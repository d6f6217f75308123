"""
Governance for Gatewright: who may call.
"""

from __future__ import annotations

from gateway_governance.plugin import GovernancePlugin
from gateway_governance.settings import GovernanceSettings, VirtualKeySettings

__all__ = ["GovernancePlugin", "GovernanceSettings", "VirtualKeySettings"]
