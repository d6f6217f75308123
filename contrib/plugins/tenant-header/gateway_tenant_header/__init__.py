"""
Maps a header that a trusted proxy sets to a team and a customer.
"""

from __future__ import annotations

from gateway_tenant_header.plugin import TenantHeaderPlugin, TenantHeaderSettings

__all__ = ["TenantHeaderPlugin", "TenantHeaderSettings"]
