"""
The command ``witness``: cosign logs of others.
"""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Final

import click

from gateway.clock import SystemClock
from gateway.settings import Address
from gateway_audit.sequencing.keys import KeyProblem, make_key_file, read_key_file
from gateway_audit.tlog.errors import TlogError
from gateway_audit.tlog.notes import COSIGNATURE, SigningKey, VerifierKey, check_name
from gateway_audit.tlog.witness import Witness
from gateway_audit.witnessing.server import FileMemory, WitnessServer

DEFAULT_LISTEN: Final = "127.0.0.1:8090"


@click.command("witness")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--name", required=True, help="The witness's name: w.example/1.")
@click.option(
    "--log",
    "logs",
    multiple=True,
    required=True,
    help="The public key of a log to watch; its origin is the key's name.",
)
@click.option("--listen", default=DEFAULT_LISTEN, show_default=True)
def witness_command(
    folder: Path, name: str, logs: tuple[str, ...], listen: str
) -> None:
    """
    Watch logs, and cosign what only grew (C2SP tlog-witness).

    What was seen of each log, and the witness's key, are kept in FOLDER.
    """
    try:
        address = Address.parse(listen)
        witness = Witness(
            key=find_witness_key(folder, name),
            logs=logs_of(logs),
            memory=FileMemory(folder),
        )
    except (TlogError, KeyProblem, ValueError) as exc:
        raise click.ClickException(str(exc)) from None
    serve(witness, address)


def find_witness_key(folder: Path, name: str) -> SigningKey:
    """
    Read the witness's key, or make one.
    """
    check_name(name)
    path = folder / "witness.pem"
    if path.exists():
        return read_key_file(path, name, kind=COSIGNATURE)
    return make_key_file(path, name, kind=COSIGNATURE)


def logs_of(vkeys: tuple[str, ...]) -> dict[str, tuple[VerifierKey, ...]]:
    """
    Sort keys by the log that they sign.
    """
    found: dict[str, tuple[VerifierKey, ...]] = {}
    for key in map(VerifierKey.parse, vkeys):
        found[key.name] = (*found.get(key.name, ()), key)
    return found


def serve(witness: Witness, address: Address) -> None:
    """
    Serve until SIGINT or SIGTERM.
    """
    server = WitnessServer((address.host, address.port), witness, SystemClock().now)
    with server:
        for number in (signal.SIGINT, signal.SIGTERM):
            # shutdown() waits for serve_forever(), which this thread is in.
            signal.signal(
                number, lambda *_: threading.Thread(target=server.shutdown).start()
            )
        host, port = server.server_address[:2]
        click.echo(f"witness {witness.key.verifier}")
        click.echo(f"listening on http://{host!s}:{port}/")
        server.serve_forever(poll_interval=0.1)
