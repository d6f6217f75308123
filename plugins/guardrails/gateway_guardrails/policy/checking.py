"""
What the start would refuse of the rules in the settings file, told without a start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.errors import ConfigError, Problem

if TYPE_CHECKING:
    from gateway_guardrails.policy.making import Maker
    from gateway_guardrails.policy.rules import NamedRule

__all__ = ["start_problems"]


async def start_problems(maker: Maker, rules: Sequence[NamedRule]) -> list[Problem]:
    """
    Make all *rules* that are enabled, let go of them, and list what was wrong.
    """
    try:
        maker.snapshot(rules, is_first=True)
    except ConfigError as exc:
        return list(exc.problems)
    finally:
        for judge in maker.judges():
            await judge.close()
    return []
