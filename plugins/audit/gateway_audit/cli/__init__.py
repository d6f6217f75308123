"""
The command ``audit`` and what stands below it.

Those that ask a running gateway speak to its management API; they never open its files.
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
    from gateway_audit.cli.asking import audit

    return (audit,)
