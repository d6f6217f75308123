"""
The command ``audit`` and what stands below it.

Those that ask a running gateway speak to its management API; they never open its files.  Those of
the log itself, which verify, prove and witness, need no gateway.
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
    from gateway_audit.cli.log_commands import log_commands

    for command in log_commands():
        audit.add_command(command)
    return (audit,)
