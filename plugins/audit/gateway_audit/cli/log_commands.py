"""
The commands of the log itself, for the group ``audit``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway_audit.cli.keys import keys
from gateway_audit.cli.resealing import reseal_command
from gateway_audit.cli.verifying import (
    consistency_command,
    prove_command,
    verify_command,
)
from gateway_audit.cli.witnessing import witness_command

if TYPE_CHECKING:
    import click


def log_commands() -> tuple[click.Command, ...]:
    """
    Return them.
    """
    return (
        verify_command,
        prove_command,
        consistency_command,
        witness_command,
        keys,
        reseal_command,
    )
