"""
What the table ``plugins.governance`` says.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from gateway.settings import SecretRef


@attrs.frozen(kw_only=True)
class VirtualKeySettings:
    """
    A virtual key, by its name.

    Attributes:
        secret: Where its value is found.
        team: The team that it belongs to.
        is_active: Whether it may be used.
    """

    secret: SecretRef = attrs.field(metadata={"help": "Where its value is found."})
    team: str | None = attrs.field(
        default=None, metadata={"help": "The team that it belongs to."}
    )
    is_active: bool = attrs.field(
        default=True, metadata={"help": "Whether it may be used."}
    )


@attrs.frozen(kw_only=True)
class GovernanceSettings:
    """
    Who may call.

    Attributes:
        require_key: Whether callers without a virtual key are refused.
        virtual_keys: The keys, by name.
    """

    require_key: bool = attrs.field(
        default=False,
        metadata={"help": "Whether callers without a virtual key are refused."},
    )
    virtual_keys: Mapping[str, VirtualKeySettings] = attrs.field(
        factory=dict, metadata={"help": "The keys, by name."}
    )
