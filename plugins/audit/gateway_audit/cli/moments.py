"""
Times as people write them on the command line.
"""

from __future__ import annotations

from contextlib import suppress

import click

from gateway.client import ago


def moment(
    context: click.Context, option: click.Parameter, value: str | None
) -> str | None:
    """
    Read an instant, a day, or how long ago it is: ``90s``, ``15m``, ``1h``, ``7d``.

    Returns:
        What the API takes: an instant, or a day.

    Raises:
        click.BadParameter: It is none of them.
    """
    if value is None:
        return None
    with suppress(ValueError):
        return ago(value)
    from gateway.management import read_time  # which brings the server's modules

    try:
        read_time(value)
    except ValueError as exc:
        msg = f"{exc}, or how long ago: 90s, 15m, 1h, 7d"
        raise click.BadParameter(msg, context, option) from None
    return value
