"""
The command ``reseal``: after another ``server.secret_key`` was set, before the gateway starts.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from gateway.client import quiet_option
from gateway.offline import Offline, config_option, data_dir_option, told
from gateway.settings import SecretRef
from gateway_audit.places import Places
from gateway_audit.sequencing.sequencer import LOCK_FILE
from gateway_audit.spool.disk import Disk
from gateway_audit.subjects.register import FILE, SUBJECTS, Register
from gateway_audit.subjects.resealing import reseal
from gateway_audit.subjects.seals import KEY_BYTES, SealedByAnother


@click.command("reseal")
@click.option(
    "--old-key",
    required=True,
    help="The server.secret_key of before: env.NAME or file./path.",
)
@config_option
@data_dir_option
@quiet_option
def reseal_command(
    old_key: str, file: Path | None, data_dir: Path | None, *, quiet: bool
) -> None:
    """
    Seal the register of persons with the server.secret_key that is set now.

    Everybody keeps pseudonym and key, so bodies stay readable and erasing finds them.
    Set server.secret_key first; the gateway must not run.
    """
    try:
        before_ref = SecretRef.parse(old_key)
    except ValueError as exc:
        raise click.BadParameter(str(exc), param_hint="--old-key") from None
    with told():
        place = Offline.open(file, data_dir, os.environ)
        before = place.derive(SUBJECTS, 2 * KEY_BYTES, root=before_ref)
        after = place.derive(SUBJECTS, 2 * KEY_BYTES)
    folder = Places.below(place.data_dir).root
    if not (folder / FILE).exists():
        raise click.ClickException(f"there is no {folder / FILE}: nothing is sealed")
    with _alone(folder), _judged():
        said = "sealed with server.secret_key already"
        if not _is_sealed_by(folder, after):
            said = f"persons sealed with server.secret_key: {reseal(folder, before, after)}"
            with told():
                place.note_acted("gatewright audit reseal", f"audit/{FILE}")
    if not quiet:
        click.echo(said)


def _is_sealed_by(folder: Path, secret: bytes) -> bool:
    try:
        Register(folder, secret).close()
    except SealedByAnother:
        return False
    return True


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """
    Keep the log's process, and with it a gateway, from starting meanwhile.
    """
    disk = Disk()
    try:
        lock = disk.lock(folder / LOCK_FILE)
    except BlockingIOError:
        msg = "a gateway is at work on this data: stop it first"
        raise click.ClickException(msg) from None
    try:
        yield
    finally:
        disk.close(lock)


@contextmanager
def _judged() -> Iterator[None]:
    try:
        yield
    except SealedByAnother:
        msg = "the register of persons is sealed neither with --old-key nor with the new key"
        raise click.ClickException(f"{msg}; nothing was changed") from None
    except sqlite3.Error as exc:
        raise click.ClickException(f"the register of persons: {exc}") from None
