"""
What a command of the log says, and how it ends, where it cannot say OK.

A proof that fails is WRONG, and ends with 1.  Whoever could not be reached proves nothing: that is
3.  What was asked wrongly, a file that cannot be used among it, is 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from gateway.client import Unreachable
from gateway_audit.sequencing.keys import KeyProblem
from gateway_audit.tlog.errors import NotReached, TlogError
from gateway_audit.verifying.trust import Trust


class Unusable(click.ClickException):
    """
    A file, a folder or an address that a command was given cannot be used.
    """

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """
        Say so in one line.
        """
        click.echo(f"error: {self.format_message()}", err=True)


@contextmanager
def judged() -> Iterator[None]:
    """
    Say in one line what is wrong, and end with the code that it has everywhere.
    """
    try:
        yield
    except NotReached as exc:
        raise Unreachable(str(exc)) from None
    except TlogError as exc:
        click.echo(f"WRONG: {exc}", err=True)
        raise SystemExit(1) from None
    except KeyProblem as exc:
        raise click.ClickException(str(exc)) from None
    except OSError as exc:
        where = exc.filename2 or exc.filename or "a file"
        msg = f"{where} cannot be used: {exc.strerror or exc}.  Name one that can"
        raise Unusable(msg) from None


def believed(**trust: Any) -> Trust:
    """
    Read whom to believe from the options that say it.

    Raises:
        click.UsageError: One is no key, or there is none.
    """
    try:
        return Trust.of(**trust)
    except TlogError as exc:
        raise click.UsageError(str(exc)) from None
