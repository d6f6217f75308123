"""
The commands ``keys …``: which key signs the log, and putting another in its place.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import click

from gateway.client import quiet_option
from gateway.offline import Offline, config_option, data_dir_option, told
from gateway.settings import SecretRef
from gateway_audit.cli.judging import judged
from gateway_audit.places import Places
from gateway_audit.sequencing.files import Files
from gateway_audit.sequencing.keys import (
    LIST_FILE,
    ROOT_FILE,
    find_root,
    holding_list,
    make_key_file,
    next_key_file,
    own_key_files,
    read_key_file,
)
from gateway_audit.sequencing.log import CHECKPOINT_FILE
from gateway_audit.sequencing.sequencer import CHECKPOINT_ENTRIES
from gateway_audit.sequencing.state import STATE_FILE, State
from gateway_audit.settings import AuditSettings
from gateway_audit.tlog.checkpoints import Signed
from gateway_audit.tlog.errors import TlogError
from gateway_audit.tlog.keylists import KeyList
from gateway_audit.tlog.notes import VerifierKey
from gateway_audit.tlog.words import read_number

#: How far ahead of the log a new key begins, if not said: auditors see the list before it counts.
AHEAD: Final = 2 * CHECKPOINT_ENTRIES


def _read_start(
    ctx: click.Context, param: click.Parameter, told: str | None
) -> int | None:
    """
    Read from which size on a key signs; 0 is now.
    """
    if told is None:
        return None
    if told == "now":
        return 0
    try:
        return read_number(told, "a size")
    except TlogError as exc:
        raise click.BadParameter(f"{exc}: neither now nor a size", ctx, param) from None


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
    with judged():
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
    with judged():
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
@click.option(
    "--at",
    "start",
    metavar="now|SIZE",
    callback=_read_start,
    help="From which size on it signs: now, if the old key leaked; else 2,000 entries ahead.",
)
@config_option
@data_dir_option
@quiet_option
def rotate_command(
    root_key: Path,
    start: int | None,
    file: Path | None,
    data_dir: Path | None,
    *,
    quiet: bool,
) -> None:
    """
    Make a new signing key, and have the root key say from which size on it signs.

    Whether the gateway runs or not.  What was signed stays signed by the key that did.
    """
    with judged():
        places, _ = _places(file, data_dir)
        state, folder = _state(places), places.root / "keys"
        root = read_key_file(root_key, f"{state.origin}/root")
        if find_root(folder) != root.verifier:
            raise click.ClickException(f"{root_key} is not the root key of this log")
        files = Files(places.log)
        with holding_list(folder):
            before = KeyList.verified(
                files.read(LIST_FILE), origin=state.origin, root=root.verifier
            )
            signed = _signed_size(files)
            first = _first(start, state.size, before, signed)
            path = next_key_file(folder)
            key = make_key_file(path, state.origin)
            after = before.cut_at(first).followed_by(key.verifier, first)
            files.write([(LIST_FILE, after.signed(root))])
    if quiet:
        return
    click.echo(f"{key.verifier} signs from size {first} on")
    if first == signed + 1:
        click.echo(f"no later checkpoint of the old key is believed; new: {path}")
    else:
        click.echo(f"destroy the old key when the log is that large; new: {path}")


def _first(start: int | None, size: int, keys: KeyList, signed: int) -> int:
    """
    Return from which size on a new key signs: behind every checkpoint there is.
    """
    if start is None:
        return max(size, keys.keys[-1].first) + AHEAD
    if 0 < start <= signed:
        msg = f"a checkpoint of {signed} entries is signed: --at now, or a larger size"
        raise click.UsageError(msg)
    return start or signed + 1


def _signed_size(files: Files) -> int:
    """
    Return how many entries the newest checkpoint counts.
    """
    content = files.find(CHECKPOINT_FILE)
    return 0 if content is None else Signed.parse(content).checkpoint.size


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
