"""
The commands that look at a log from outside: ``verify``, ``prove``, ``consistency``.

They need no running gateway, and believe nobody but the keys that they are given.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from gateway.client import (
    json_option,
    printable,
    quiet_option,
    token_option,
    write_json,
)
from gateway.offline import Offline, config_option, data_dir_option, told
from gateway_audit.cli.judging import believed, judged
from gateway_audit.places import Places
from gateway_audit.tlog.errors import NotReached
from gateway_audit.tlog.proofs import HEADER
from gateway_audit.tlog.tiles import Tree
from gateway_audit.tlog.words import write_base64
from gateway_audit.verifying.checking import (
    Report,
    check_growth,
    check_proof,
    verify,
)
from gateway_audit.verifying.proving import prove
from gateway_audit.verifying.sources import source_of
from gateway_audit.verifying.trust import Trust

F = TypeVar("F", bound=Callable[..., Any])

PROOF_SUFFIX: Final = ".tlog-proof"
_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_EXISTING: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_TRUST: Final = (
    click.option(
        "--vkey", "vkeys", multiple=True, help="A public key that signs the log."
    ),
    click.option(
        "--root", help="The root key, which says which key signs which sizes."
    ),
    click.option("--origin", help="The log's name, if not that of the key."),
    click.option(
        "--witness", "witnesses", multiple=True, help="The public key of a witness."
    ),
    click.option(
        "--quorum",
        type=click.IntRange(min=0),
        help="How many witnesses must have cosigned; all, if not said.",
    ),
)


def _trusts(command: F) -> F:
    """
    Add the options that say whom to believe.
    """
    for option in reversed(_TRUST):
        command = option(command)
    return command


@click.command("verify")
@click.argument("place")
@_trusts
@click.option(
    "--from", "first", type=click.IntRange(min=0), default=0, help="The minimum index."
)
@click.option("--since", type=_EXISTING, help="A checkpoint of an earlier visit.")
@click.option(
    "--remember",
    type=_FILE,
    help="Compare with the checkpoint in this file, and put the new one there.",
)
@token_option
@json_option
@quiet_option
def verify_command(
    place: str,
    token: str | None,
    first: int,
    since: Path | None,
    remember: Path | None,
    *,
    as_json: bool,
    quiet: bool,
    **trust: Any,
) -> None:
    """
    Verify the log at PLACE, a path or a URL, or a file with a proof.

    Exit 1 if it is wrong, 3 if it is not reached; then nothing is known of it.
    """
    with judged():
        whom = believed(**trust)
        if _is_proof(place):
            _verify_proof(Path(place), whom, as_json=as_json, quiet=quiet)
            return
        if since is None and remember is not None and remember.exists():
            since = remember
        report = verify(
            source_of(place, token),
            whom,
            first=first,
            remembered=since.read_bytes() if since is not None else None,
        )
    if as_json:
        write_json(_document(report))
    elif not quiet:
        for line in _lines(report):
            click.echo(line)
    if remember is not None:
        with judged():
            remember.write_bytes(bytes(report.signed))


def _is_proof(place: str) -> bool:
    """
    Tell a proof by its first line, whatever its file is called.

    Raises:
        click.UsageError: It is a file of something else.
    """
    path = Path(place)
    if place.endswith(PROOF_SUFFIX) or not path.is_file():
        return place.endswith(PROOF_SUFFIX)
    with path.open("rb") as file:
        if file.readline(len(HEADER) + 1).rstrip(b"\n") == HEADER.encode():
            return True
    raise click.UsageError(f"{place} is neither the folder of a log nor a proof")


def _verify_proof(path: Path, trust: Trust, *, as_json: bool, quiet: bool) -> None:
    if not trust.keys:
        raise click.UsageError(
            "a proof is verified with --vkey, the key that signed it"
        )
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise NotReached(f"{path} cannot be read: {exc.strerror}") from None
    proof = check_proof(content, trust)
    point = proof.signed.checkpoint
    entry = (proof.extra or b"").decode(errors="replace")
    if as_json:
        where = {"index": proof.index, "size": point.size, "origin": point.origin}
        write_json({**where, "entry": entry})
    elif not quiet:
        click.echo(f"OK: entry {proof.index} of {point.size} in {point.origin}")
        click.echo(printable(entry))


def _document(report: Report) -> dict[str, Any]:
    point = report.checkpoint
    return {
        "origin": point.origin,
        "size": point.size,
        "root": write_base64(point.root),
        "first": report.first,
        "since": report.since,
        "witnesses": report.witnesses,
    }


def _lines(report: Report) -> Iterator[str]:
    point = report.checkpoint
    yield f"OK: {point.size} entries of {point.origin}, root {write_base64(point.root)}"
    if report.first:
        yield f"  the first {report.first} are known by their hashes alone"
    if report.since is not None:
        yield f"  it grew from the {report.since} that were seen before"
    else:
        yield "  nothing was remembered: a log that was set back looks the same"
    if report.witnesses:
        yield f"  {report.witnesses} witnesses cosigned"


@click.command("prove")
@click.argument("entry")
@click.option("--log", "place", help="The log's path or URL; else the gateway's own.")
@click.option(
    "-o", "--out", type=_FILE, help="Where to write; else <index>.tlog-proof."
)
@config_option
@data_dir_option
@token_option
@quiet_option
def prove_command(
    entry: str,
    place: str | None,
    token: str | None,
    out: Path | None,
    file: Path | None,
    data_dir: Path | None,
    *,
    quiet: bool,
) -> None:
    """
    Write the proof that ENTRY is in the log: an index, an entry's id, or a request's.

    The file holds the entry, and can be verified by itself with the log's public key.
    """
    with judged():
        proof = prove(source_of(place or _own_log(file, data_dir), token), entry)
        path = out or Path(f"{proof.index}{PROOF_SUFFIX}")
        path.write_bytes(bytes(proof))
    if not quiet:
        size = proof.signed.checkpoint.size
        click.echo(f"entry {proof.index} of {size} is proven by {path}")


def _own_log(file: Path | None, data_dir: Path | None) -> str:
    with told():
        place = Offline.open(file, data_dir, os.environ)
    return str(Places.below(place.data_dir).log)


@click.command("consistency")
@click.argument("old", type=_EXISTING)
@click.argument("new", type=_EXISTING, required=False)
@click.option("--log", "place", help="The log's path or URL; else the gateway's own.")
@_trusts
@config_option
@data_dir_option
@token_option
@json_option
@quiet_option
def consistency_command(
    old: Path,
    new: Path | None,
    place: str | None,
    token: str | None,
    file: Path | None,
    data_dir: Path | None,
    *,
    as_json: bool,
    quiet: bool,
    **trust: Any,
) -> None:
    """
    Check that the log of checkpoint NEW began with that of OLD; exit 1 if not.

    NEW is the log's newest checkpoint, if none is given.
    """
    with judged():
        whom = believed(**trust)
        read = source_of(place or _own_log(file, data_dir), token)
        keys = whom.key_list(read)
        first = whom.believed(old.read_bytes(), keys).checkpoint
        if new is None:
            second = whom.checkpoint(read).checkpoint
        else:
            second = whom.believed(new.read_bytes(), keys).checkpoint
        proof = check_growth(first, second, Tree(second.size, read))
    hashes = [write_base64(each) for each in proof]
    if as_json:
        write_json({"old": first.size, "new": second.size, "proof": hashes})
    elif not quiet:
        click.echo(f"OK: {second.size} entries began with the {first.size} of {old}")
        for line in hashes:
            click.echo(f"  {line}")
