"""
The process that makes the log: one at a time in a folder, whoever else runs on its data.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Final

import structlog

from gateway_audit.sequencing.followers import find_follower
from gateway_audit.sequencing.keys import (
    LIST_FILE,
    SigningKeys,
    find_origin,
    read_key_file,
)
from gateway_audit.sequencing.precedence import give_way
from gateway_audit.sequencing.sequencer import LOCK_FILE, POLL_S, Sequencer
from gateway_audit.spool.disk import Disk
from gateway_audit.tlog.notes import VerifierKey
from gateway_audit.witnessing.client import WitnessClient

log = structlog.get_logger("gateway.audit.sequencer")

#: Seconds between two tries to take the place of another gateway's sequencer.
WAIT_S: Final = 0.5


def run(
    *,
    folder: str,
    origin: str | None = None,
    spools: Sequence[str] = (),
    signing_key: str | None = None,
    followers: Sequence[Mapping[str, Any]] = (),
    witnesses: Sequence[Mapping[str, Any]] = (),
    companions: Sequence[Mapping[str, Any]] = (),
) -> None:
    """
    Sequence until the process gets SIGTERM, then take what is left.

    While another gateway's sequencer is at work in *folder*, wait for its place: it takes what
    this one's workers write as well.

    Args:
        folder: ``audit/`` in the data directory.
        origin: The log's name; without one it is made once and kept.
        spools: More folders where workers write, beside ``spool/``.
        signing_key: A file with the operator's own Ed25519 key.
        followers: Of each its ``name``, ``target`` (``package.module:function``) and
            ``arguments``.
        witnesses: Of each its ``url`` and, where it is believed by one, its ``key``.
        companions: Of each its ``target`` and ``arguments``, as those of followers.
    """
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    give_way()
    root = Path(folder)
    lock = _place(root, stop)
    if lock is None:
        return
    name = find_origin(root, origin)
    key = read_key_file(Path(signing_key), name) if signing_key else None
    sequencer = Sequencer(
        root,
        origin=name,
        configured_origin=origin,
        lock=lock,
        keys=SigningKeys(root / "keys", root / "log" / LIST_FILE, name, configured=key),
        spools=[root / "spool", *map(Path, spools)],
        followers=[
            find_follower(each["name"], each["target"], each.get("arguments", {}))
            for each in followers
        ],
        witnesses=[
            WitnessClient(
                url=each["url"],
                key=VerifierKey.parse(each["key"]) if each.get("key") else None,
            )
            for each in witnesses
        ],
        companions=[
            resolve_name(each["target"])(**each.get("arguments", {}))
            for each in companions
        ],
    )
    try:
        while not stop.wait(POLL_S):
            while sequencer.turn() and not stop.is_set():
                pass
        sequencer.drain()
    finally:
        sequencer.close()


def _place(folder: Path, stop: threading.Event) -> int | None:
    """
    Hold *folder* for this process; None if it was told to end before it could.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    is_told = False
    while not stop.is_set():
        try:
            return Disk().lock(folder / LOCK_FILE)
        except BlockingIOError:
            if not is_told:
                is_told = True
                log.info(
                    "another gateway's sequencer is at work here: waiting for its end"
                )
            stop.wait(WAIT_S)
    return None
