from __future__ import annotations

from gateway.testing import ManualClock
from gateway_governance.retention import DAY_S, Retention


class Rows:
    """
    Rows with the moment of each; forgets two at a time.
    """

    def __init__(self, *moments):
        self.moments = list(moments)

    async def prune(self, before):
        gone = [moment for moment in self.moments if moment < before][:2]
        for moment in gone:
            self.moments.remove(moment)
        return len(gone)


async def test_only_what_is_too_old_is_removed():
    """
    Everything older than the days that are kept goes, in batches, and nothing else.
    """
    clock = ManualClock(now=10.0 * DAY_S)
    usage, windows = Rows(*(day * DAY_S for day in range(10))), Rows(1.0, 9.0 * DAY_S)
    retention = Retention(prunes=(usage.prune, windows.prune), keep_days=3, clock=clock)

    removed = await retention.prune()

    assert removed == 8
    assert usage.moments == [7 * DAY_S, 8 * DAY_S, 9 * DAY_S]
    assert windows.moments == [9.0 * DAY_S]
