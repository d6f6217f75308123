"""
The command ``guardrails``: ``test``, ``coverage``, ``findings``, ``eval``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click


def commands() -> Iterable[click.Command]:
    """
    Return every command.
    """
    return ()
