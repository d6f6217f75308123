"""
What the hooks call: requests and answers are looked at here.
"""

from __future__ import annotations

from gateway_guardrails.inspecting.inspector import Inspector, Recorder

__all__ = ["Inspector", "Recorder"]
