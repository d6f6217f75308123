"""
An authority that lasts as long as the process, for simulations and tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from gateway_governance.ledger.authority import (
    Ask,
    Burned,
    BurnedHold,
    Crossed,
    Record,
    Return,
    Settled,
    Want,
    crossings,
    place,
    raised,
)


@attrs.define
class _Window:
    starts: int
    ends: int
    mark: int = 0
    settled: int = 0
    burned: int = 0


class MemoryAuthority:
    """
    An authority that lasts as long as the process.
    """

    def __init__(self) -> None:
        self._anchors: dict[str, int] = {}
        self._windows: dict[str, dict[int, _Window]] = {}
        self._entries: dict[object, Settled | Burned] = {}
        self._burned: dict[int, BurnedHold] = {}
        self._crossed: set[tuple[str, int, int]] = set()

    async def anchors(self, meters: Mapping[str, int]) -> Mapping[str, int]:
        """
        Return when each of *meters* was first seen.
        """
        return {
            meter: self._anchors.setdefault(meter, at) for meter, at in meters.items()
        }

    async def look(self, asks: Sequence[Ask]) -> Sequence[Record]:
        """
        Return windows.
        """
        return [self._look(ask) for ask in asks]

    async def records(self, windows: Sequence[tuple[str, int]]) -> Sequence[Record]:
        """
        Return windows that have begun.
        """
        found = [
            (meter, self._windows.get(meter, {}).get(starts))
            for meter, starts in windows
        ]
        return [_record(meter, window) for meter, window in found if window is not None]

    async def unknown(
        self, entries: Sequence[Settled | Burned]
    ) -> Sequence[Settled | Burned]:
        """
        Return entries that did not come before.
        """
        return [entry for entry in entries if _key(entry) not in self._entries]

    def _look(self, ask: Ask) -> Record:
        windows = self._windows.get(ask.meter, {}).values()
        for window in windows:
            if window.starts <= ask.at < window.ends:
                return _record(ask.meter, window)
        starts, ends = place([(each.starts, each.ends) for each in windows], ask)
        return Record(meter=ask.meter, starts=starts, ends=ends)

    async def open(
        self, wants: Sequence[Want], returns: Sequence[Return] = ()
    ) -> Sequence[Record]:
        """
        Begin windows, and raise their marks.
        """
        for back in returns:
            self._at(back.meter, back.starts).mark -= back.amount
        return [self._open(want) for want in wants]

    def _open(self, want: Want) -> Record:
        windows = self._windows.setdefault(want.meter, {})
        window = windows.setdefault(want.starts, _Window(want.starts, want.ends))
        window.mark = raised(want, window.mark)
        return _record(want.meter, window)

    def _at(self, meter: str, starts: int) -> _Window:
        windows = self._windows.setdefault(meter, {})
        return windows.setdefault(starts, _Window(starts, starts))

    async def give_back(self, returns: Sequence[Return]) -> None:
        """
        Lower marks.
        """
        await self.open((), returns)

    async def square(self) -> None:
        """
        Lower every mark to what was settled and burned.
        """
        for windows in self._windows.values():
            for window in windows.values():
                window.mark = min(window.mark, window.settled + window.burned)

    async def extend(self, returns: Sequence[Return], limits: Sequence[int]) -> bool:
        """
        Raise marks, all or none.
        """
        windows = [self._at(more.meter, more.starts) for more in returns]
        for window, more, limit in zip(windows, returns, limits, strict=True):
            if window.mark + more.amount > limit:
                return False
        for window, more in zip(windows, returns, strict=True):
            window.mark += more.amount
        return True

    async def reset(self, ask: Ask) -> Record:
        """
        Begin another window within the one that there is.
        """
        found = self._look(ask)
        window = self._at(ask.meter, found.starts)
        starts = max(ask.at, found.starts + 1)
        window.ends = starts
        fresh = self._windows[ask.meter][starts] = _Window(starts, found.ends)
        return _record(ask.meter, fresh)

    async def end(self, meters: Sequence[str], at: int) -> None:
        """
        End whatever windows of *meters* last beyond *at*.
        """
        for meter in meters:
            for window in self._windows.get(meter, {}).values():
                window.ends = max(window.starts, min(window.ends, at))

    async def settle(self, entries: Sequence[Settled | Burned]) -> Sequence[Crossed]:
        """
        Take over what a journal says.
        """
        crossed: list[Crossed] = []
        for entry in entries:
            if self._knows(entry):
                continue
            for charge in entry.charges:
                window = self._at(charge.meter, charge.starts)
                before = window.settled + window.burned
                window.mark -= charge.returned
                if isinstance(entry, Settled):
                    window.settled += charge.amount
                else:
                    window.burned += charge.amount
                found = crossings(charge, before, before + charge.amount)
                crossed += [each for each in found if await self.cross(each)]
        return crossed

    def _knows(self, entry: Settled | Burned) -> bool:
        key = _key(entry)
        if isinstance(entry, Burned) and entry.hold_id not in self._burned:
            self._burned[entry.hold_id] = _burned_hold(entry)
        if key in self._entries:
            return True
        self._entries[key] = entry
        return False

    async def cross(self, crossed: Crossed) -> bool:
        """
        Say that a threshold was crossed.
        """
        key = (crossed.meter, crossed.starts, crossed.percent)
        is_first = key not in self._crossed
        self._crossed.add(key)
        return is_first

    async def burned(self, *, unresolved_only: bool = True) -> Sequence[BurnedHold]:
        """
        List burned holds.
        """
        found = sorted(self._burned.values(), key=lambda hold: (hold.at, hold.hold_id))
        return [
            hold for hold in found if hold.resolved_nano is None or not unresolved_only
        ]

    async def resolve(
        self, hold_id: int, *, true_nano: int, actor: str, at: int
    ) -> BurnedHold | None:
        """
        Correct a burned hold.
        """
        found = self._burned.get(hold_id)
        if found is None or found.resolved_nano is not None:
            return None
        for charge in found.charges:
            window = self._at(charge.meter, charge.starts)
            window.burned -= charge.amount
            window.settled += true_nano
            window.mark -= charge.amount - true_nano
        self._burned[hold_id] = attrs.evolve(
            found, resolved_nano=true_nano, actor=actor
        )
        return self._burned[hold_id]


def _record(meter: str, window: _Window) -> Record:
    return Record(
        meter=meter,
        starts=window.starts,
        ends=window.ends,
        mark=window.mark,
        settled=window.settled,
        burned=window.burned,
    )


def _key(entry: Settled | Burned) -> object:
    """
    Say by what an entry is known: a usage row, or a hold.
    """
    return entry.row[:2] if isinstance(entry, Settled) else entry.hold_id


def _burned_hold(entry: Burned) -> BurnedHold:
    return BurnedHold(
        hold_id=entry.hold_id,
        at=entry.at,
        amount=max((charge.amount for charge in entry.charges), default=0),
        charges=entry.charges,
    )
