"""
The command ``guardrails``: ``test``, ``coverage``, ``findings``, ``eval``.

``findings`` and ``coverage`` ask a running gateway's management API; ``test`` and ``eval`` look
here.
"""

from __future__ import annotations

from collections.abc import Iterable

import click


def commands() -> Iterable[click.Command]:
    """
    Return every command.
    """
    from gateway_guardrails.cli.coverage import coverage
    from gateway_guardrails.cli.evaluating import evaluation
    from gateway_guardrails.cli.findings import findings
    from gateway_guardrails.cli.trying import test

    for command in (coverage, evaluation, findings, test):
        guardrails.add_command(command)
    return (guardrails,)


@click.group()
def guardrails() -> None:
    """
    Try guardrails, measure them, and see what they found.
    """
