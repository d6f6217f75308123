"""
What must survive the machine: how much of each budget may be spent, and what was.

The authority keeps a record of each window of each money meter.  `Record.mark` says how much of
it was ever handed out to machines, `Record.settled` what exchanges came to.  A machine that lost
its memory has at most spent the mark, so that is what it takes for spent.  The mark goes up before
anybody may spend what it adds, and comes down only when who holds it says that it is not needed:
never by a timer, so no clock can make anybody spend twice.

`memory.MemoryAuthority` is for simulations and tests, `sqlite.SqliteAuthority` for one machine.
All times are Unix microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

import attrs

#: Of how many percent of a budget somebody wants to hear.
THRESHOLDS: Final = (50, 80, 100)


@attrs.frozen(kw_only=True)
class Ask:
    """
    The question which window of a meter a moment is in.

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


class Charge(NamedTuple):
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


class Settled(NamedTuple):
    """
    A settlement as it stands in the journal.

    A tuple, like what it is made of: one is made for each exchange, and attrs would take three
    times as long.

    Attributes:
        hold_id: The hold that it ended.
        actual: Money, tokens, requests.
        row: The columns of the usage row, in the order of `usage.COLUMNS`; empty for none.
    """

    hold_id: int
    actual: tuple[int, int, int]
    charges: tuple[Charge, ...]
    row: tuple[Any, ...] = ()


class Burned(NamedTuple):
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

    async def square(self) -> None:
        """
        Lower every mark to what was settled and burned.

        For a machine that stops: it holds nothing, and all that it settled stands here.  What a
        killed worker was granted and never told the pool comes back so as well.
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

    async def end(self, meters: Sequence[str], at: int) -> None:
        """
        End whatever windows of *meters* last beyond *at*: nobody will spend on them again.
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
