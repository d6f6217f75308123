"""
What several of the audit's tables demand of a value.
"""

from __future__ import annotations

from typing import Any

import attrs

from gateway.settings import SecretRef


def resolves_elsewhere(
    instance: Any, attribute: attrs.Attribute[Any], value: SecretRef | None
) -> None:
    """
    Demand a secret that the sequencer's process finds as well.
    """
    if value is not None and value.scheme not in {"env", "file"}:
        raise ValueError("must be env.NAME or file./path: another process reads it")
