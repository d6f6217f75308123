"""
What a rule may say of credentials.
"""

from __future__ import annotations

import attrs

__all__ = ["SecretsOptions"]


@attrs.frozen(kw_only=True)
class SecretsOptions:
    """
    What a rule may say about credentials.
    """

    without: tuple[str, ...] = attrs.field(
        default=(), metadata={"help": "Types that are not looked for, as github_pat."}
    )
    names: bool = attrs.field(
        default=True,
        metadata={"help": "Also values that a name gives away, as password = ..."},
    )
    public: bool = attrs.field(
        default=False,
        metadata={
            "help": "Also what is meant to be seen: publishable keys, account ids."
        },
    )
    own: bool = attrs.field(
        default=True,
        metadata={
            "help": "The gateway's own, exactly: providers' keys, virtual keys, and all other"
            " secrets of its settings."
        },
    )
    allowed: tuple[str, ...] = attrs.field(
        default=(),
        metadata={"help": "Patterns (RE2) of values, whole, that are no secrets."},
    )
