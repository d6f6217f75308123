"""
Times as people write them on the command line.
"""

from __future__ import annotations

import re
from typing import Final

import click

from gateway.clock import SystemClock, utc_text

_AGO: Final = re.compile(r"(\d{1,6})([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


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
    ago = _AGO.fullmatch(value)
    if ago is not None:
        seconds = int(ago[1]) * _SECONDS[ago[2]]
        return utc_text(max(0.0, SystemClock().now() - seconds))
    from gateway.management import read_time  # which brings the server's modules

    try:
        read_time(value)
    except ValueError as exc:
        msg = f"{exc}, or how long ago: 90s, 15m, 1h, 7d"
        raise click.BadParameter(msg, context, option) from None
    return value
