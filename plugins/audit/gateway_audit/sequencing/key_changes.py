"""
Says in the log that other keys may sign it.

Commands put a list of keys into the log's folder, with a gateway at work or without; whoever put it
there, the sequencer sees it.  What it said last is kept in a file, replaced once the entry is
signed: killed between, it says the same again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from gateway_audit.sequencing.companions import Saying
from gateway_audit.sequencing.files import Files
from gateway_audit.sequencing.keys import (
    LIST_FILE,
    ORIGIN_FILE,
    KeyProblem,
    find_root,
)
from gateway_audit.sequencing.log import Log
from gateway_audit.tlog.errors import TlogError
from gateway_audit.tlog.keylists import KeyList

KIND: Final = "keys.changed"
#: Below ``keys/``: the SHA-256 of the list that was told last.
TOLD_FILE: Final = "told"
#: Seconds between two looks at the list.
LOOK_S: Final = 1.0


class KeyChanges:
    """
    A companion of the sequencer.

    Args:
        folder: ``audit/`` in the data directory.
    """

    name: Final = "keys"

    def __init__(self, folder: Path) -> None:
        self._files = Files(folder)
        self._keys = Files(folder / "keys")
        self._list = Files(folder / "log")
        self._next = 0.0
        #: What was said and is not signed yet, and how many entries the log had before it.
        self._said: tuple[str, int] | None = None

    def turn(self, source: Log, now: float) -> Iterable[Saying]:
        """
        Say which keys sign, if it was not said of this list.
        """
        if self._said is not None:
            self._settle(source, *self._said)
            return ()
        if now < self._next or source.signed is None:
            return ()
        self._next = now + LOOK_S
        content = self._list.find(LIST_FILE)
        if content is None:
            return ()
        before = (self._keys.find(TOLD_FILE) or b"").decode().strip() or None
        after = hashlib.sha256(content).hexdigest()
        told = None if before == after else self._told(content)
        if told is None:
            return ()
        self._said = after, source.size
        return (Saying(KIND, {**told, "before": before, "after": after}),)

    def document(self) -> dict[str, Any]:
        """
        Tell nothing: what is wrong with keys is the log's own problem.
        """
        return {}

    def close(self) -> None:
        """
        Leave nothing behind.
        """

    def _settle(self, source: Log, digest: str, size: int) -> None:
        if source.signed is not None and source.signed.checkpoint.size > size:
            self._keys.write([(TOLD_FILE, f"{digest}\n".encode())])
            self._said = None

    def _told(self, content: bytes) -> dict[str, Any] | None:
        """
        Read the list; one that the root key did not sign changes nothing.
        """
        origin = (self._files.find(ORIGIN_FILE) or b"").decode().strip()
        try:
            root = find_root(self._keys.root)
            if root is None:
                return None
            found = KeyList.verified(content, origin=origin, root=root)
        except (KeyProblem, TlogError):
            return None
        return {
            "actor": "root_key",
            "keys": [str(each) for each in found.keys],
            "root": str(root),
        }


def companion(folder: str) -> KeyChanges:
    """
    Make it for the sequencer's process.
    """
    return KeyChanges(Path(folder))
