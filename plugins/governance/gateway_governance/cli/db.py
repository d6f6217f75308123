"""
The commands ``db …``: the database of a gateway, directly.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from gateway.client import json_option, quiet_option, write_json
from gateway.offline import Offline, config_option, data_dir_option, told

T = TypeVar("T")

_TAKES_NO_BACKUP: Final = (
    "the settings name another database than the file in the data directory: back it up "
    "with its own tools, pg_dump for PostgreSQL"
)


@click.group()
def db() -> None:
    """
    Look at the database, migrate it, back it up, change its secret key.
    """


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (quiet_option, json_option, data_dir_option, config_option):
        command = option(command)
    return command


@db.command()
@_options
def status(
    file: Path | None, data_dir: Path | None, *, as_json: bool, quiet: bool
) -> None:
    """
    Say which database it is and whether its tables are up to date; exit 1 if not.
    """
    from gateway_governance.cli import database

    with told():
        place = Offline.open(file, data_dir, os.environ)
        found = _run(database.status(place))
    if as_json:
        write_json(found)
    elif not quiet:
        click.echo(f"database  {found['database']}")
        size = f"{found['bytes']} bytes"
        if not found["is_there"]:
            size = f"there is no {found['file']}: {database.WHICH}"
        click.echo(f"size      {size}")
        for line in found["lines"]:
            state = "up to date" if line["current"] == line["newest"] else "behind"
            click.echo(
                f"{line['name']}  {line['current'] or 'none'} of {line['newest']}, {state}"
            )
        for kind, count in found["entities"].items():
            click.echo(f"{kind}  {count}")
        if found["is_running"]:
            click.echo("a gateway is at work on this data")
    if any(line["current"] != line["newest"] for line in found["lines"]):
        raise SystemExit(1)


@db.command()
@_options
def migrate(
    file: Path | None, data_dir: Path | None, *, as_json: bool, quiet: bool
) -> None:
    """
    Bring its tables up to date, as the gateway does when it starts.
    """
    from gateway_governance.cli import database

    with told():
        _run(database.migrate(Offline.open(file, data_dir, os.environ)))
    if as_json:
        write_json({"migrated": True})
    elif not quiet:
        click.echo("the tables are up to date")


@db.command()
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@_options
def backup(
    target: Path,
    file: Path | None,
    data_dir: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """
    Copy the database to TARGET while the gateway runs; never over another file.

    The copy is whole and of one moment.  The secret key is not in it: back that up apart, for
    without it no virtual key in the copy is worth anything.
    """
    from gateway.storage import FILE
    from gateway_governance.cli import database

    with told():
        place = Offline.open(file, data_dir, os.environ)
        if place.settings.storage.url is not None:
            raise click.ClickException(_TAKES_NO_BACKUP)
        source = place.data_dir / FILE
        with _disk(target):
            size = database.backup(place.data_dir, target)
    if as_json:
        write_json({"file": str(target), "bytes": size, "of": str(source)})
    elif not quiet:
        click.echo(f"{target}: {size} bytes, of {source}")
        click.echo("the secret key is not in it: keep a copy of that elsewhere")


@db.command()
@click.option(
    "--revoke-stored",
    is_flag=True,
    help="Revoke every virtual key whose value is stored.",
)
@_options
def rekey(
    file: Path | None,
    data_dir: Path | None,
    *,
    revoke_stored: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """
    Make the database ready for another secret key.

    Of a virtual key's value only a hash is stored, made with the secret key; nobody knows the
    value, so it cannot be hashed anew.  Keys that the management API made are therefore revoked,
    with --revoke-stored, or stand in the way.  Keys of the settings file by secret: go on.
    Stop the gateway first; afterwards set server.secret_key to the new one, or remove the file
    secret_key from the data directory, and start it.
    """
    from gateway_governance.cli import database

    with told():
        place = Offline.open(file, data_dir, os.environ)
        found = _run(database.rekey(place, revoke_stored=revoke_stored))
    if found.is_running:
        msg = "a gateway is at work on this data: stop it first"
        raise click.ClickException(msg)
    if found.in_the_way:
        shown = ", ".join(found.in_the_way[:8])
        more = len(found.in_the_way) - 8
        msg = (
            f"{len(found.in_the_way)} virtual keys are stored as hashes of values that nobody "
            f"knows, and cannot be hashed anew: {shown}"
            + (f" and {more} more" if more > 0 else "")
            + ". Nothing was changed. With --revoke-stored they are revoked, and their callers "
            "need new ones"
        )
        raise click.ClickException(msg)
    with told():
        revoked = [f"governance.virtual_key/{each}" for each in found.revoked_ids]
        place.note_acted("gatewright db rekey", "server.secret_key", *revoked)
    if as_json:
        write_json({"revoked": list(found.revoked), "hashes": list(found.hashes)})
    elif not quiet:
        for name in found.revoked:
            click.echo(f"revoked {name}")
        for name in found.hashes:
            click.echo(
                f"make again with `gatewright keys hash`: virtual_keys.{name}.hash"
            )
        click.echo(
            "ready: set server.secret_key to the new key, or remove "
            f"{place.data_dir / 'secret_key'} once you have a copy. Whatever else is sealed with "
            "the old key needs it to be read: keep it. With an audit, run `gatewright audit "
            "reseal --old-key REF` before the gateway starts"
        )


def _run(work: Awaitable[T]) -> T:
    async def run() -> T:
        return await work

    return asyncio.run(run())


@contextmanager
def _disk(target: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        msg = f"{target} is there already: nothing was written"
        raise click.ClickException(msg) from None
    except OSError as exc:
        raise click.ClickException(f"{target}: {exc.strerror or exc}") from None
