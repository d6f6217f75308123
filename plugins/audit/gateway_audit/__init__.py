"""
The audit plugin of Gatewright.
"""

from __future__ import annotations

from gateway_audit.plugin import AuditPlugin
from gateway_audit.settings import AuditSettings

__all__ = ["AuditPlugin", "AuditSettings"]
