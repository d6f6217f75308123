"""
The commands ``keys …``: which key signs the log, and putting another in its place.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from gateway.client import quiet_option
from gateway.offline import Offline, config_option, data_dir_option, told
from gateway.settings import SecretRef
from gateway_audit.places import Places
from gateway_audit.sequencing.files import Files
from gateway_audit.sequencing.keys import (
    LIST_FILE,
    ROOT_FILE,
    KeyProblem,
    find_root,
    make_key_file,
    next_key_file,
    own_key_files,
    read_key_file,
)
from gateway_audit.sequencing.sequencer import CHECKPOINT_ENTRIES
from gateway_audit.sequencing.state import STATE_FILE, State
from gateway_audit.settings import AuditSettings
from gateway_audit.tlog.errors import TlogError
from gateway_audit.tlog.keylists import KeyList
from gateway_audit.tlog.notes import VerifierKey

#: How far ahead of the log a new key begins: a sequencer that has not seen the list yet signs
#: no more than one batch with the old one.
AHEAD: Final = 2 * CHECKPOINT_ENTRIES


@contextmanager
def _judged() -> Iterator[None]:
    try:
        yield
    except (TlogError, KeyProblem, OSError) as exc:
        raise click.ClickException(str(exc)) from None


@click.group("keys")
def keys() -> None:
    """
    Show and replace the keys that sign the log.
    """


@keys.command("show")
@config_option
@data_dir_option
def show_command(file: Path | None, data_dir: Path | None) -> None:
    """
    Write the public keys that an auditor needs, with the sizes that each signs.
    """
    with _judged():
        places, configured = _places(file, data_dir)
        root = find_root(places.root / "keys")
        if root is None:
            click.echo(_only_key(places, configured))
            return
        found = KeyList.verified(
            Files(places.log).read(LIST_FILE), origin=_state(places).origin, root=root
        )
    click.echo(f"root {root}")
    for each in found.keys:
        click.echo(f"  {each}")


@keys.command("root")
@click.argument("key_file", type=click.Path(dir_okay=False, path_type=Path))
@config_option
@data_dir_option
def root_command(key_file: Path, file: Path | None, data_dir: Path | None) -> None:
    """
    Make the root key in KEY_FILE, which then belongs away from this machine.

    From then on the gateway believes lists of keys that it signed, and auditors need its
    public half alone.
    """
    with _judged():
        places, configured = _places(file, data_dir)
        folder, origin = places.root / "keys", _state(places).origin
        if find_root(folder) is not None:
            raise click.ClickException(f"{folder / ROOT_FILE} names a root key already")
        first = KeyList.only(origin, [_only_key(places, configured)])
        root = make_key_file(key_file, f"{origin}/root")
        Files(folder).write([(ROOT_FILE, f"{root.verifier}\n".encode())])
        Files(places.log).write([(LIST_FILE, first.signed(root))])
    click.echo(f"root {root.verifier}")
    click.echo(f"keep {key_file} where this machine cannot reach it")


@keys.command("rotate")
@click.option(
    "--root-key",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@config_option
@data_dir_option
@quiet_option
def rotate_command(
    root_key: Path, file: Path | None, data_dir: Path | None, *, quiet: bool
) -> None:
    """
    Make a new signing key, and have the root key say from which size on it signs.
    """
    with _judged():
        places, _ = _places(file, data_dir)
        state, folder = _state(places), places.root / "keys"
        root = read_key_file(root_key, f"{state.origin}/root")
        if find_root(folder) != root.verifier:
            raise click.ClickException(f"{root_key} is not the root key of this log")
        files = Files(places.log)
        before = KeyList.verified(
            files.read(LIST_FILE), origin=state.origin, root=root.verifier
        )
        path = next_key_file(folder)
        key = make_key_file(path, state.origin)
        first = max(state.size, before.keys[-1].first) + AHEAD
        files.write([(LIST_FILE, before.followed_by(key.verifier, first).signed(root))])
    if not quiet:
        click.echo(f"{key.verifier} signs from size {first} on")
        click.echo(f"destroy the old key when the log is that large; new: {path}")


def _places(
    file: Path | None, data_dir: Path | None
) -> tuple[Places, SecretRef | None]:
    """
    Find the audit's folders, and the operator's own key where the settings name one.
    """
    with told():
        place = Offline.open(file, data_dir, os.environ)
        configured = place.settings.plugin("audit", AuditSettings).signing_key
    return Places.below(place.data_dir), configured


def _state(places: Places) -> State:
    try:
        return State.parse((places.root / STATE_FILE).read_bytes())
    except FileNotFoundError:
        raise click.ClickException("there is no log yet: start the gateway") from None


def _only_key(places: Places, configured: SecretRef | None) -> VerifierKey:
    origin = _state(places).origin
    if configured is not None:
        return read_key_file(Path(configured.name), origin).verifier
    paths = own_key_files(places.root / "keys")
    if len(paths) != 1:
        raise click.ClickException("more or less than one key signs the log so far")
    return read_key_file(paths[0], origin).verifier
