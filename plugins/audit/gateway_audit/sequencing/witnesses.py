"""
Has checkpoints cosigned, beside the sequencer's own work.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Final

import structlog

from gateway_audit.sequencing.files import Files
from gateway_audit.sequencing.log import Log
from gateway_audit.tlog.checkpoints import Signed
from gateway_audit.tlog.notes import Signature
from gateway_audit.tlog.tiles import Tree
from gateway_audit.witnessing.client import (
    WitnessAhead,
    WitnessClient,
    WitnessProblem,
)

log = structlog.get_logger("gateway.audit.sequencer")

#: The newest checkpoint that witnesses cosigned; a newer one may stand in ``checkpoint``.
WITNESSED_FILE: Final = "checkpoint.witnessed"
#: Seconds between two checkpoints that are cosigned.
INTERVAL_S: Final = 10.0


class Witnesses:
    """
    Asks every witness, in a thread, one checkpoint at a time.

    Args:
        files: Those of the log.
    """

    def __init__(
        self,
        clients: Sequence[WitnessClient],
        files: Files,
        *,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._clients = tuple(clients)
        self._files = files
        self._interval_s = interval_s
        self._next = 0.0
        self._thread: threading.Thread | None = None
        self._found: tuple[Signed, list[Signature]] | None = None
        self._problems: dict[str, str] = {}
        #: Since when each fails without a break, in monotonic seconds.
        self._since: dict[str, float] = {}
        self._ahead: dict[str, str] = {}
        self._witnessed: Signed | None = None

    @property
    def problems(self) -> tuple[str, ...]:
        """
        What witnesses know that speaks against this log.
        """
        return tuple(f"witness {url}: {why}" for url, why in self._ahead.items())

    def turn(self, source: Log, now: float) -> None:
        """
        Take in what was cosigned, and ask for more if it is time.
        """
        if self._thread is not None and self._thread.is_alive():
            return
        self._thread = None
        self._take_in(source)
        signed = source.signed
        if not self._clients or now < self._next or signed is None:
            return
        if self._witnessed is not None and self._has_all(signed):
            return
        self._next = now + self._interval_s
        self._thread = threading.Thread(
            target=self._ask,
            args=(signed, source.tree(), now),
            name="audit-witnesses",
            daemon=True,
        )
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """
        Wait for those who are being asked.
        """
        if self._thread is not None:
            self._thread.join(timeout_s)

    def document(self, now: float) -> dict[str, dict[str, Any]]:
        """
        Tell of each what it cosigned last, and since when it does not.

        Args:
            now: The sequencer's monotonic time.
        """
        return {
            client.url: {
                "size": client.seen,
                "problem": self._problems.get(client.url),
                "failing_s": round(now - self._since.get(client.url, now), 1),
            }
            for client in self._clients
        }

    def _has_all(self, signed: Signed) -> bool:
        return (
            self._witnessed is not None
            and self._witnessed.checkpoint == signed.checkpoint
            and not self._problems
        )

    def _ask(self, signed: Signed, tree: Tree, now: float) -> None:
        found: list[Signature] = []
        for client in self._clients:
            try:
                found.extend(client.ask(signed, tree))
            except WitnessProblem as exc:
                self._problems[client.url] = str(exc)
                self._since.setdefault(client.url, now)
                if isinstance(exc, WitnessAhead):
                    self._ahead[client.url] = str(exc)
                log.warning("not cosigned", witness=client.url, why=str(exc))
            else:
                self._problems.pop(client.url, None)
                self._since.pop(client.url, None)
                self._ahead.pop(client.url, None)
        self._found = (signed, found)

    def _take_in(self, source: Log) -> None:
        found, self._found = self._found, None
        if found is None or not found[1]:
            return
        signed = Signed(
            checkpoint=found[0].checkpoint, note=found[0].note.signed(*found[1])
        )
        try:
            self._files.write([(WITNESSED_FILE, bytes(signed))])
            source.adopt(signed)
        except OSError as exc:
            log.warning("cosignatures not kept", why=str(exc))
            return
        self._witnessed = signed
