"""
The management API below ``/api/guardrails``.
"""
