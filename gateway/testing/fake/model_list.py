"""
Write lists of models, in both vendors' shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.testing.fake.answer import CREATED
from gateway.testing.fake.errors import Vendor

__all__ = ["list_models", "show_model"]

_CREATED_AT = "2026-01-01T00:00:00Z"


def show_model(vendor: Vendor, name: str) -> dict[str, Any]:
    """
    Describe one model.
    """
    if vendor is Vendor.OPENAI:
        return {
            "id": name,
            "object": "model",
            "created": CREATED,
            "owned_by": "fake-upstream",
        }
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": _CREATED_AT,
        "lifecycle": "active",
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
    }


def list_models(vendor: Vendor, names: Sequence[str]) -> dict[str, Any]:
    """
    List models, all on one page.
    """
    models = [show_model(vendor, name) for name in names]
    if vendor is Vendor.OPENAI:
        return {"object": "list", "data": models}
    return {
        "data": models,
        "first_id": names[0] if names else None,
        "last_id": names[-1] if names else None,
        "has_more": False,
    }
