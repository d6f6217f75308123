"""
What must survive the machine: how much of each budget may be spent, and what was.

The authority keeps a record of each window of each money meter.  `Record.mark` says how much of
it was ever handed out to machines, `Record.settled` what exchanges came to.  A machine that lost
its memory has at most spent the mark, so that is what it takes for spent.  The mark goes up before
anybody may spend what it adds, and comes down only when who holds it says that it is not needed:
never by a timer, so no clock can make anybody spend twice.

`MemoryAuthority` is for simulations and tests, `sqlite.SqliteAuthority` for one machine.  All
times are Unix microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import attrs

#: Of how many percent of a budget somebody wants to hear.
THRESHOLDS: Final = (50, 80, 100)


@attrs.frozen(kw_only=True)
class Ask:
    """
    Which window of a meter is it?

    Attributes:
        starts: The window that contains *at* by the meter's period begins here …
        ends: … and ends here.
    """

    meter: str
    starts: int
    ends: int
    at: int


@attrs.frozen(kw_only=True)
class Want:
    """
    A machine wants to spend more in a window.

    Attributes:
        known: Up to where the machine knows to be granted.
        more: How much it wants on top.
        limit: What is never passed.
    """

    meter: str
    starts: int
    ends: int
    known: int
    more: int
    limit: int


@attrs.frozen(kw_only=True)
class Record:
    """
    One window of one meter.

    Attributes:
        mark: How much may be spent, by whomever.
        settled: What exchanges came to.
        burned: What was sent by workers that died, and is not resolved.
    """

    meter: str
    starts: int
    ends: int
    mark: int = 0
    settled: int = 0
    burned: int = 0


@attrs.frozen(kw_only=True)
class Return:
    """
    What a machine was granted and will not spend.
    """

    meter: str
    starts: int
    amount: int


@attrs.frozen(kw_only=True)
class Charge:
    """
    What one exchange came to on one money meter.

    Attributes:
        amount: What is charged.
        returned: What it held more than that, where the window was over already and so the
            pool could not take it back.
        limit: The limit at that time, for thresholds.
    """

    meter: str
    starts: int
    amount: int
    returned: int = 0
    limit: int = 0


@attrs.frozen(kw_only=True)
class Settled:
    """
    A settlement as it stands in the journal.

    Attributes:
        hold_id: The hold that it ended.
        actual: Money, tokens, requests.
        row: The columns of the usage row, in the order of `usage.COLUMNS`; empty for none.
    """

    hold_id: int
    actual: tuple[int, int, int]
    charges: tuple[Charge, ...]
    row: tuple[Any, ...] = ()


@attrs.frozen(kw_only=True)
class Burned:
    """
    A hold that was sent by a worker that died, as it stands in the journal.

    Attributes:
        at: When it was taken.
        charges: Money only: what it held, each as *amount*.
    """

    hold_id: int
    at: int
    charges: tuple[Charge, ...]


@attrs.frozen(kw_only=True)
class BurnedHold:
    """
    A burned hold, and what an operator found out about it.

    Attributes:
        amount: What it held, of each of its meters.
        resolved_nano: What it truly came to; None as long as nobody has said.
    """

    hold_id: int
    at: int
    amount: int
    charges: tuple[Charge, ...]
    resolved_nano: int | None = None
    actor: str = ""


@attrs.frozen(kw_only=True)
class Crossed:
    """
    So much of a budget is spent; told once for each meter, window and threshold.
    """

    meter: str
    starts: int
    percent: int
    spent: int
    limit: int


class AuthorityFailed(Exception):
    """
    The authority could not do what was asked: nothing new is granted until it can.
    """


class Authority(Protocol):
    """
    Keeps the records; each method is one durable transaction.
    """

    async def anchors(self, meters: Mapping[str, int]) -> Mapping[str, int]:
        """
        Return when each of *meters* was first seen; those that are new at the time given.
        """

    async def look(self, asks: Sequence[Ask]) -> Sequence[Record]:
        """
        Return the windows that *asks* are in; where there is none yet, what it would be.

        Windows of a meter never overlap, whatever the settings said when they began.
        """

    async def records(self, windows: Sequence[tuple[str, int]]) -> Sequence[Record]:
        """
        Return those of *windows*, by meter and start, that have begun.
        """

    async def unknown(
        self, entries: Sequence[Settled | Burned]
    ) -> Sequence[Settled | Burned]:
        """
        Return those of *entries* that `settle` would take over.
        """

    async def open(
        self, wants: Sequence[Want], returns: Sequence[Return] = ()
    ) -> Sequence[Record]:
        """
        Begin the windows of *wants* that there are not, and raise their marks.

        A mark becomes at least *known* + *more*, but never passes the limit, and never is
        lowered here.  If it was higher than what the machine knows, somebody died before he
        could use it, and it is used now.
        """

    async def give_back(self, returns: Sequence[Return]) -> None:
        """
        Lower marks by what will not be spent.
        """

    async def extend(self, returns: Sequence[Return], limits: Sequence[int]) -> bool:
        """
        Raise the marks of windows, over or not, by *amount* each: all or none.

        Args:
            limits: What none of the marks may pass.
        """

    async def reset(self, ask: Ask) -> Record:
        """
        End the window that contains ``ask.at`` there, and begin another with nothing spent.
        """

    async def settle(self, entries: Sequence[Settled | Burned]) -> Sequence[Crossed]:
        """
        Take over what a journal says; entries that came before change nothing.

        Returns:
            The thresholds that were crossed by it, each once and for all.
        """

    async def cross(self, crossed: Crossed) -> bool:
        """
        Say that a threshold was crossed; whether this was the first to say so.
        """

    async def burned(self, *, unresolved_only: bool = True) -> Sequence[BurnedHold]:
        """
        List burned holds, the oldest first.
        """

    async def resolve(
        self, hold_id: int, *, true_nano: int, actor: str, at: int
    ) -> BurnedHold | None:
        """
        Correct a burned hold to what it truly came to; None if it is resolved or unknown.

        Its charges become settled, and what it held more is given back.
        """


@attrs.define
class _Window:
    starts: int
    ends: int
    mark: int = 0
    settled: int = 0
    burned: int = 0


def place(windows: Iterable[tuple[int, int]], ask: Ask) -> tuple[int, int]:
    """
    Say where a new window begins and ends, between *windows*, of which none contains ``ask.at``.
    """
    starts, ends = ask.starts, ask.ends
    for other_starts, other_ends in windows:
        if other_starts <= ask.at:
            starts = max(starts, other_ends)
        else:
            ends = min(ends, other_starts)
    return starts, ends


def raised(want: Want, mark: int) -> int:
    """
    Return what *mark* becomes when *want* is met.
    """
    return max(mark, min(want.limit, want.known + want.more))


def crossings(charge: Charge, before: int, after: int) -> list[Crossed]:
    """
    Return the thresholds between *before* and *after*.
    """
    if charge.limit <= 0:
        return []
    return [
        Crossed(
            meter=charge.meter,
            starts=charge.starts,
            percent=percent,
            spent=after,
            limit=charge.limit,
        )
        for percent in THRESHOLDS
        if before * 100 < percent * charge.limit <= after * 100
    ]


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
