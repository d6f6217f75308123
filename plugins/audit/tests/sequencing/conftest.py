"""
A sequencer in this process, over folders of its own.
"""

from __future__ import annotations

import pytest

from gateway.clock import SystemClock
from gateway_audit.sequencing.keys import SigningKeys
from gateway_audit.sequencing.sequencer import Sequencer
from gateway_audit.sequencing.status import read_status
from gateway_audit.spool.frames import encode
from gateway_audit.spool.names import lock_path, segment_path
from gateway_audit.testing import entries_of
from gateway_audit.tlog.checkpoints import Signed
from gateway_audit.tlog.tiles import Tree

ORIGIN = "gw.example/log"


class Audit:
    """
    The audit's folder, and whoever sequences it.
    """

    def __init__(self, folder):
        self.folder = folder
        self.spool = folder / "spool"
        self.log = folder / "log"
        self._open = []

    def keys(self):
        return SigningKeys(self.folder / "keys", self.log / "keys", ORIGIN)

    def sequencer(self, **more):
        found = Sequencer(self.folder, keys=self.keys(), origin=ORIGIN, **more)
        self._open.append(found)
        return found

    def close(self):
        while self._open:
            self._open.pop().close()

    def run(self, **more):
        """
        Take all that is there, and end.
        """
        sequencer = self.sequencer(**more)
        sequencer.drain()
        self.close()
        return sequencer

    def write(self, worker, entries, *, first=0, number=1, tail=b"", lives=False):
        """
        Leave what a worker would have left.
        """
        self.spool.mkdir(parents=True, exist_ok=True)
        content = b"".join(
            encode(first + at, entry) for at, entry in enumerate(entries)
        )
        segment_path(self.spool, worker, number).write_bytes(content + tail)
        if not lives:
            lock_path(self.spool, worker).touch()

    def read(self, path):
        return (self.log / path).read_bytes()

    def signed(self):
        return Signed.parse(self.read("checkpoint"))

    def status(self):
        """
        Read what the sequencer says of itself now.
        """
        return read_status(self.folder, SystemClock().now())

    def entries(self):
        """
        Read what the newest checkpoint counts.
        """
        size = self.signed().checkpoint.size
        assert Tree(size, self.read).root() == self.signed().checkpoint.root
        return entries_of(self.read, size)


@pytest.fixture
def audit(tmp_path):
    """
    An empty folder.
    """
    made = Audit(tmp_path / "audit")
    yield made
    made.close()
