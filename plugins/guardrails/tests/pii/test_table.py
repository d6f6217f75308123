"""
The document of the registry.
"""

from __future__ import annotations

from pathlib import Path

from gateway_guardrails.pii.table import document

COMMITTED = Path(__file__).parents[2] / "PII.md"


def test_the_document_is_that_of_the_registry():
    """
    If not, make it again: ``python -m gateway_guardrails.pii.table > plugins/guardrails/PII.md``.
    """
    assert COMMITTED.read_text(encoding="utf-8") == document()
