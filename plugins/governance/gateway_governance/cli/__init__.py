"""
The commands of governance: ``keys``, ``budgets``, ``usage``, ``prices``, ``ledger``, ``db``.

Those that ask a running gateway speak to its management API; they never open its database.
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
    from gateway_governance.cli.budgets import budgets
    from gateway_governance.cli.db import db
    from gateway_governance.cli.keys import keys
    from gateway_governance.cli.ledger import ledger
    from gateway_governance.cli.prices import prices
    from gateway_governance.cli.usage import usage

    return (keys, budgets, usage, prices, ledger, db)
