"""
Where something stands in a body that stands elsewhere in an entity.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway_governance.checks import Entity, Step
from gateway_governance.entities import PricingOverride, RoutingRule

#: Attributes whose key in JSON is another word; "" is no step of its own there.
_KEYS: Final = {
    "limits": "",
    "limit_nano": "max_limit",
    "amount": "max_limit",
    "period": "reset_duration",
    "blocked_models": "blacklisted_models",
    "provider_keys": "key_ids",
}
_RULE_KEYS: Final = {
    "condition": "cel_expression",
    "provider_key": "provider_key_name",
    "is_enabled": "enabled",
    "chains": "chain_rule",
}
_OVERRIDE_KEYS: Final = {
    "key_id": "virtual_key_id",
    "provider": "provider_id",
    "model": "pattern",
}
_MODEL_KEYS: Final = {"model": "model_name"}


def place_of(steps: Sequence[Step], entity: Entity) -> str:
    """
    Write the path in a body of *entity* to what *steps* lead to.
    """
    keys = _KEYS | _own_keys(entity)
    path = ""
    for at, step in enumerate(steps):
        if isinstance(step, int):
            path += f"[{step}]"
        elif at and steps[at - 1] in {"prices", "metadata"}:
            path += f".{step}"
        elif key := keys.get(step, step):
            path += f".{key}" if path else key
    return path


def _own_keys(entity: Entity) -> dict[str, str]:
    match entity:
        case RoutingRule():
            return _RULE_KEYS
        case PricingOverride():
            return _OVERRIDE_KEYS
        case _:
            return _MODEL_KEYS
