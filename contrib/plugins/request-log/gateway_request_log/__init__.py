"""
Posts one line without any words about each request to a webhook.
"""

from __future__ import annotations

from gateway_request_log.plugin import RequestLogPlugin, RequestLogSettings

__all__ = ["RequestLogPlugin", "RequestLogSettings"]
