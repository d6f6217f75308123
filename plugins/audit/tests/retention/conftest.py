"""
A log, time that a test owns, and whoever archives and prunes.
"""

from __future__ import annotations

import attrs
import pytest

from gateway.settings import settings_from_dict
from gateway_audit.retention.archives import FolderArchive
from gateway_audit.retention.keeper import Keeper
from gateway_audit.sequencing.own import OwnEntries
from gateway_audit.settings import AuditSettings
from gateway_audit.testing import WrittenLog

DAY_MS = 86_400_000


@attrs.define
class Time:
    """
    A clock that stands.
    """

    at_ms: int = 1_790_000_000_000
    ticks: float = 0.0

    def now(self):
        return self.at_ms / 1000

    def monotonic(self):
        self.ticks += 10_000
        return self.ticks


def keep_of(**keep):
    """
    Read settings as an operator writes them.
    """
    settings = settings_from_dict({"plugins": {"audit": {"keep": keep}}})
    return settings.plugin("audit", AuditSettings).keep


class House:
    """
    What the sequencer does with a keeper, turn by turn.
    """

    def __init__(self, folder, archive=None):
        self.folder = folder
        self.written = WrittenLog(folder)
        self.time = Time()
        self.archive = archive or FolderArchive(folder / "archive")
        self.keeper = None
        self.said = []
        self.keep()

    @property
    def log(self):
        return self.written.log

    def keep(self, archives=True, **keep):
        """
        Settle how long what is kept; as after a start, with what is on the disk alone.
        """
        told = {"days": 365, "archive_after_days": 90, **keep}
        self.keeper = Keeper(
            self.folder,
            keep_of(**told),
            archives=lambda origin: self.archive if archives else None,
            clock=self.time,
        )

    def write(self, count, **members):
        self.append_days(0, count, **members)

    def append_days(self, days, count=0, **members):
        """
        Let days pass, then write.
        """
        self.time.at_ms += int(days * DAY_MS)
        self.written.at_ms = self.time.at_ms
        if count:
            self.written.write(count, at=self.time.at_ms, **members)

    def turn(self):
        """
        One turn, and what it began; what it says comes into the log.
        """
        said = list(self.keeper.turn(self.log, self.time.monotonic()))
        self.keeper.wait()
        if said:
            self.said += said
            own = OwnEntries(len(self.said))
            self.written.at_ms = self.time.at_ms
            self.written.append(
                [own.saying(each.kind, each.told, self.time.now()) for each in said]
            )

    def settle(self):
        """
        Turn until there is nothing left to do.
        """
        for _ in range(12):
            before = self.keeper.document()
            self.turn()
            if self.keeper.document() == before and not before["pending"]:
                return
        pytest.fail("retention never comes to rest")

    def read(self, path):
        """
        Read what an auditor has who put the archive beside the log.
        """
        try:
            return self.log.read(path)
        except FileNotFoundError:
            found = self.archive.get(path)
            if found is None:
                raise
            return found


@pytest.fixture
def house(tmp_path):
    return House(tmp_path / "audit")
