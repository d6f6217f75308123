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
from gateway_audit.cli.judging import Unusable, judged
from gateway_audit.sequencing.keys import make_key_file, read_key_file
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
        address, watched = Address.parse(listen), logs_of(logs)
        check_name(name)
    except ValueError as exc:  # a key that is none among them
        raise click.UsageError(str(exc)) from None
    with judged():
        key = find_witness_key(folder, name)
        witness = Witness(key=key, logs=watched, memory=FileMemory(folder))
        server = open_server(witness, address)
    serve(server, key.verifier)


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


def open_server(witness: Witness, address: Address) -> WitnessServer:
    """
    Listen at *address*.

    Raises:
        Unusable: It cannot be listened at.
    """
    where = (address.host, address.port)
    try:
        return WitnessServer(where, witness, SystemClock().now)
    except OSError as exc:
        msg = (
            f"{address} cannot be listened at: {exc.strerror}.  Choose another --listen"
        )
        raise Unusable(msg) from None


def serve(server: WitnessServer, key: VerifierKey) -> None:
    """
    Say the witness's *key*, and serve until SIGINT or SIGTERM.
    """
    with server:
        for number in (signal.SIGINT, signal.SIGTERM):
            # shutdown() waits for serve_forever(), which this thread is in.
            signal.signal(
                number, lambda *_: threading.Thread(target=server.shutdown).start()
            )
        host, port = server.server_address[:2]
        click.echo(f"witness {key}")
        click.echo(f"listening on http://{host!s}:{port}/")
        server.serve_forever(poll_interval=0.1)
