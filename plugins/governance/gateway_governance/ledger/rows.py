"""
What is done to rows rarely: find and add them, open windows, install grants, move limits.

Like `pool` it knows no file and no loop.  What concerns the authority is done by one worker of the
machine at a time (`granting.Granter` sees to that).  A window: `over` says which to look up,
`begin` opens it with nothing free.  Then a grant: `wanted` says what to ask for, the authority
commits it, `install` makes it usable.  A worker killed before the last step leaves granted what
nobody uses, and the next one who asks finds it, for the row says up to where it was used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from gateway_governance.entities import Unit
from gateway_governance.ledger.authority import Ask, Record, Return, Want
from gateway_governance.ledger.layout import (
    ALWAYS,
    H_FREED,
    H_ROWS,
    H_TABLE,
    H_USED,
    IS_SOFT,
    IS_USED,
    R_ANCHOR,
    R_BURNED,
    R_ENDS,
    R_FREE,
    R_GEN,
    R_GRANTED,
    R_KIND,
    R_LIMIT,
    R_MARK,
    R_META,
    R_SPENT,
    R_STARTS,
    ROWS_STEP,
)
from gateway_governance.ledger.meters import (
    MICROS,
    Demand,
    Meter,
    Short,
    Standing,
    WindowAt,
    micros,
)
from gateway_governance.ledger.pool import LOW, Plan, share_of

if TYPE_CHECKING:
    from gateway_governance.ledger.cells import Cells
    from gateway_governance.ledger.layout import Words
    from gateway_governance.ledger.roster import Roster

#: A grant is at least a sixteenth of the limit, so a window costs the authority few trips.
_CHUNK: Final = 4
#: How soon something that is only held may come back.
_SOON_S: Final = 1.0


@attrs.frozen(kw_only=True)
class Probe:
    """
    Why a hold cannot be had at once.

    Attributes:
        needs: What the authority must be asked for, of each meter; 0 where only its window is
            to be opened.
        short: A meter that has not enough; one that is spent, if there is one.
        money_nano: How much money would be held.
    """

    needs: Mapping[Meter, int]
    short: Short | None = None
    money_nano: int = 0


class Rows:
    """
    One worker's way to the rows of the pool.

    Args:
        window_at: Says which window a moment is in.
        clock: Unix seconds.
    """

    def __init__(
        self,
        cells: Cells,
        roster: Roster,
        *,
        window_at: WindowAt,
        clock: Callable[[], float],
    ) -> None:
        self.cells = cells
        self.roster = roster
        self._window_at = window_at
        self._clock = clock

    def now(self) -> int:
        """
        Return Unix microseconds.
        """
        return int(self._clock() * MICROS)

    # Finding and adding.

    def plan(self, meters: Sequence[Meter]) -> Plan:
        """
        Find the rows of *meters*, and add those that there are none of; limits follow.

        Raises:
            OSError: if the file had to grow and could not.
        """
        with self.cells:
            return Plan(meters, self._take(meters), self.cells.words[H_TABLE])

    def take(self, meters: Sequence[Meter]) -> None:
        """
        Have rows for *meters*; limits follow.
        """
        with self.cells:
            self._take(meters)

    def _take(self, meters: Sequence[Meter]) -> list[int]:
        self.roster.refresh()
        found = [self._row(meter) or self._add(meter) for meter in meters]
        for meter, word in zip(meters, found, strict=True):
            self._conform(word, meter)
        return found

    def find(self, meter: Meter) -> int | None:
        """
        Find the word of a meter's row; None where no worker has touched it yet.
        """
        with self.cells:
            return self._find(meter)

    def _find(self, meter: Meter) -> int | None:
        word = self._row(meter)
        if word is None:
            self.roster.refresh()
            word = self._row(meter)
        return word

    def _row(self, meter: Meter) -> int | None:
        return self._named(meter.id)

    def _named(self, meter_id: str) -> int | None:
        number = self.roster.number(meter_id)
        if number is None or number >= self.cells.words[H_USED]:
            return None
        word = self.cells.geometry.row(number)
        if self.cells.words[word + R_META] != _meta(meter_id):
            return None
        return word

    def _add(self, meter: Meter) -> int:
        words = self.cells.words
        word, header = self._vacant(words)
        self.roster.write(self.cells.geometry.row_number(word), meter.id)
        words = self.cells.words
        is_open = meter.unit is Unit.IN_FLIGHT
        stores = [
            *(word + R_META, _meta(meter.id)),
            *(word + R_KIND, _kind(meter)),
            *(word + R_GEN, words[word + R_GEN] + 1),
            *(word + R_STARTS, -ALWAYS if is_open else 0),
            *(word + R_ENDS, ALWAYS if is_open else 0),
            *(word + R_LIMIT, meter.limit),
            *(word + R_GRANTED, meter.limit if is_open else 0),
            *(word + R_FREE, meter.limit if is_open else 0),
            *(word + R_SPENT, 0, word + R_BURNED, 0, word + R_MARK, 0),
            *(word + R_ANCHOR, 0),
        ]
        self.cells.commit([*stores, *header])
        return word

    def _vacant(self, words: Words) -> tuple[int, list[int]]:
        """
        Return a row that is nobody's, and what the header says once it is taken.
        """
        freed = words[H_FREED]
        if freed:
            return freed, [H_FREED, words[freed + R_MARK]]
        number = words[H_USED]
        if number >= words[H_ROWS]:
            self.cells.grow(number + max(ROWS_STEP, number // 2))
        return self.cells.geometry.row(number), [H_USED, number + 1]

    def forget(self, meters: Iterable[Meter], *, busy: Container[int]) -> None:
        """
        Let other meters have the rows of *meters*, whose owner is gone.

        Args:
            busy: Rows that open holds name, in whatever window; they stay.
        """
        with self.cells as words:
            for meter in meters:
                word = self._find(meter)
                if word is None or word in busy:
                    continue
                self.roster.write(self.cells.geometry.row_number(word), "")
                # R_MARK of a row that is nobody's names the next one.
                self.cells.commit(
                    [
                        *(word + R_META, 0, word + R_KIND, 0),
                        *(word + R_GEN, words[word + R_GEN] + 1),
                        *(word + R_STARTS, 0, word + R_ENDS, 0),
                        *(word + R_MARK, words[H_FREED], H_FREED, word),
                        *(H_TABLE, words[H_TABLE] + 1),
                    ]
                )

    # Limits.

    def set_limits(self, meters: Iterable[Meter]) -> None:
        """
        Let the limits of rows that there are follow *meters*.
        """
        with self.cells:
            self.roster.refresh()
        for meter in meters:
            # Most of them are as they were: those cost no lock.
            word = self._row(meter)
            if word is None or self._conforms(word, meter):
                continue
            with self.cells:
                word = self._row(meter)
                if word is not None:
                    self._conform(word, meter)

    def _conforms(self, word: int, meter: Meter) -> bool:
        words = self.cells.words
        return words[word + R_LIMIT] == meter.limit and words[word + R_KIND] == _kind(
            meter
        )

    def _conform(self, word: int, meter: Meter) -> None:
        words = self.cells.words
        if words[word + R_KIND] != _kind(meter):
            # Strict became soft or the other way round: the authority knows how it stands.
            self.cells.commit(
                [
                    *(
                        word + R_KIND,
                        _kind(meter),
                        word + R_GEN,
                        words[word + R_GEN] + 1,
                    ),
                    *(
                        word + R_STARTS,
                        0,
                        word + R_ENDS,
                        0,
                        word + R_LIMIT,
                        meter.limit,
                    ),
                    *(word + R_GRANTED, 0, word + R_FREE, 0, word + R_SPENT, 0),
                    *(word + R_BURNED, 0, word + R_MARK, 0),
                ]
            )
        elif words[word + R_LIMIT] < meter.limit and meter.only_falls:
            return  # somebody who does not know yet that it was lowered
        elif words[word + R_LIMIT] != meter.limit:
            top = (
                min(meter.limit, words[word + R_MARK])
                if meter.is_strict
                else meter.limit
            )
            granted, free = words[word + R_GRANTED], words[word + R_FREE]
            if not words[word + R_ENDS]:
                granted, free = 0, 0
            elif granted < top:
                granted, free = top, free + top - granted
            else:
                cut = _above(granted, free, meter.limit)
                granted, free = granted - cut, free - cut
            self.cells.commit(
                [
                    *(word + R_LIMIT, meter.limit),
                    *(word + R_GRANTED, granted, word + R_FREE, free),
                ]
            )

    # Windows and grants.

    def probe(self, plan: Plan, demand: Demand) -> Probe:
        """
        Say what stands in the way of a hold; windows of rates that are over are renewed.
        """
        needs: dict[Meter, int] = {}
        shorts: list[Short] = []
        with self.cells as words:
            now = self.now()
            for meter, word in zip(plan.meters, plan.words, strict=True):
                if not words[word + R_STARTS] <= now < words[word + R_ENDS]:
                    if meter.is_backed:
                        needs[meter] = 0
                    else:
                        self._renew(word, meter, now)
            standings = [
                self._standing(meter, word)
                for meter, word in zip(plan.meters, plan.words, strict=True)
            ]
            money = share_of(
                demand,
                [
                    found.left
                    for found in standings
                    if found.meter.is_strict and found.meter not in needs
                ],
            )
            for found in standings:
                amount = amount_of(found.meter, demand, money)
                if found.meter in needs:
                    needs[found.meter] = amount
                elif (
                    amount
                    and (found.left if found.meter.is_strict else found.free) < amount
                ):
                    shorts.append(short_of(found, amount, now))
                elif amount and found.free < amount:
                    needs[found.meter] = amount
        return Probe(needs=needs, short=most_telling(shorts), money_nano=money)

    def _renew(self, word: int, meter: Meter, now: int) -> None:
        words = self.cells.words
        anchor = words[word + R_ANCHOR] or now
        starts, ends = self.window(meter, now, anchor)
        self.cells.commit(
            [
                *(word + R_GEN, words[word + R_GEN] + 1),
                *(word + R_STARTS, starts, word + R_ENDS, ends),
                *(word + R_GRANTED, meter.limit, word + R_FREE, meter.limit),
                *(word + R_LIMIT, meter.limit),
                *(word + R_SPENT, 0, word + R_BURNED, 0, word + R_ANCHOR, anchor),
            ]
        )

    def window(self, meter: Meter, now: int, anchor: int) -> tuple[int, int]:
        """
        Return the window of *meter* that contains *now*.

        Args:
            anchor: For a meter that names none.
        """
        if meter.period is None:
            return 0, ALWAYS
        named = anchor / MICROS if meter.anchor is None else meter.anchor
        found = self._window_at(
            meter.period, now / MICROS, calendar=meter.calendar, anchor=named
        )
        starts = micros(found.start)
        ends = ALWAYS if found.end == float("inf") else micros(found.end)
        # Rounding must not leave the moment outside its window.
        return min(starts, now), max(ends, now + 1)

    def unanchored(self, meters: Iterable[Meter]) -> list[Meter]:
        """
        Return those of *meters* of which only the authority can say from where they count.
        """
        with self.cells as words:
            found = [(meter, self._find(meter)) for meter in meters]
            return [
                meter
                for meter, word in found
                if meter.period is not None
                and meter.anchor is None
                and meter.calendar is None
                and (word is None or not words[word + R_ANCHOR])
            ]

    def set_anchors(self, anchors: Mapping[Meter, int]) -> None:
        """
        Take down from where meters count their windows.
        """
        with self.cells:
            for meter, anchor in anchors.items():
                word = self._find(meter)
                if word is not None:
                    self.cells.commit([word + R_ANCHOR, anchor])

    def over(self, meters: Iterable[Meter]) -> tuple[list[Ask], list[Return]]:
        """
        Say of which of *meters* the window is over, and what of it goes back.
        """
        asks: list[Ask] = []
        returns: list[Return] = []
        with self.cells as words:
            now = self.now()
            for meter in meters:
                word = self._find(meter)
                if word is None or words[word + R_STARTS] <= now < words[word + R_ENDS]:
                    continue
                returns += self._retire(word)
                asks.append(self._ask(meter, word, now))
        return asks, returns

    def _ask(self, meter: Meter, word: int | None, now: int) -> Ask:
        anchor = self.cells.words[word + R_ANCHOR] if word is not None else 0
        starts, ends = self.window(meter, now, anchor or now)
        return Ask(meter=meter.id, starts=starts, ends=ends, at=now)

    def asks(self, meters: Iterable[Meter]) -> list[Ask]:
        """
        Say which windows *meters* are in now.
        """
        with self.cells:
            now = self.now()
            return [self._ask(meter, self._find(meter), now) for meter in meters]

    def wanted(self, needs: Mapping[Meter, int]) -> list[Want]:
        """
        Say what to ask the authority for.
        """
        with self.cells:
            found = [self._want(meter, need) for meter, need in needs.items()]
            return [want for want in found if want is not None]

    def _want(self, meter: Meter, need: int) -> Want | None:
        word = self._find(meter)
        words = self.cells.words
        if word is None or not words[word + R_ENDS]:
            return None
        limit, mark = words[word + R_LIMIT], words[word + R_MARK]
        granted, free = words[word + R_GRANTED], words[word + R_FREE]
        more = 0
        if meter.is_strict:
            is_enough = free >= need and free >= limit >> LOW  # somebody else was here
            more = granted + max(need - free, limit >> _CHUNK) - mark
            if is_enough or granted >= limit:
                return None
        return Want(
            meter=meter.id,
            starts=words[word + R_STARTS],
            ends=words[word + R_ENDS],
            known=mark,
            more=more,
            limit=limit,
        )

    def _retire(self, word: int) -> list[Return]:
        """
        Take what is free out of a row of strict money.
        """
        words = self.cells.words
        if words[word + R_KIND] != IS_USED | Unit.MONEY or not words[word + R_ENDS]:
            return []
        used = words[word + R_GRANTED] - words[word + R_FREE]
        back = words[word + R_MARK] - used
        name = self.roster.name(self.cells.geometry.row_number(word))
        if back <= 0 or name is None:
            return []
        self.cells.commit(
            [word + R_FREE, 0, word + R_GRANTED, used, word + R_MARK, used]
        )
        return [Return(meter=name, starts=words[word + R_STARTS], amount=back)]

    def begin(self, meter: Meter, record: Record) -> None:
        """
        Open the window of *record*, with all that was granted in it taken for spent.

        Whoever spent in it before did so on a pool that is lost, or left it for another window
        and took what was free along.
        """
        strict = meter.is_strict
        with self.cells as words:
            word = self._find(meter)
            if word is None:
                return
            spent = max(record.settled, record.mark) if strict else record.settled
            granted = record.mark if strict else words[word + R_LIMIT]
            self.cells.commit(
                [
                    *(word + R_GEN, words[word + R_GEN] + 1),
                    *(word + R_STARTS, record.starts, word + R_ENDS, record.ends),
                    *(word + R_MARK, record.mark, word + R_GRANTED, granted),
                    *(word + R_FREE, granted - spent, word + R_SPENT, spent),
                    *(word + R_BURNED, spent - record.settled),
                ]
            )

    def install(self, meter: Meter, record: Record) -> None:
        """
        Make usable what the authority has granted, durably.
        """
        with self.cells as words:
            word = self._find(meter)
            if (
                word is None
                or not meter.is_strict
                or words[word + R_STARTS] != record.starts
            ):
                return
            granted = words[word + R_GRANTED]
            mark = max(words[word + R_MARK], record.mark)
            extra = max(0, min(mark, words[word + R_LIMIT]) - granted)
            self.cells.commit(
                [
                    *(word + R_MARK, mark, word + R_GRANTED, granted + extra),
                    *(word + R_FREE, words[word + R_FREE] + extra),
                    # A reset that a killed worker began ends it here.
                    *(word + R_ENDS, record.ends),
                ]
            )

    def reset(self, meter: Meter) -> None:
        """
        Begin the window of a rate anew, with nothing spent.
        """
        with self.cells:
            word = self._find(meter)
            if word is not None:
                self._renew(word, meter, self.now())

    def correct(self, meter_id: str, starts: int, *, burned: int, true: int) -> None:
        """
        Let a row follow what the authority has learnt about a hold that was burned on it.

        The mark goes down with what was spent: the authority has it back, and grants it again.
        Where it came to more, and the limit is passed by that, nothing is free any more.
        """
        with self.cells as words:
            self.roster.refresh()
            word = self._named(meter_id)
            if word is None or words[word + R_STARTS] != starts:
                return
            off = burned - true
            granted, free = words[word + R_GRANTED] - off, words[word + R_FREE]
            cut = _above(granted, free, words[word + R_LIMIT])
            self.cells.commit(
                [
                    *(word + R_SPENT, words[word + R_SPENT] - off),
                    *(word + R_BURNED, words[word + R_BURNED] - burned),
                    *(word + R_GRANTED, granted - cut, word + R_FREE, free - cut),
                    *(word + R_MARK, words[word + R_MARK] - off),
                ]
            )

    def unused(
        self, meters: Iterable[Meter] | None = None, *, busy: Container[int] = ()
    ) -> list[Return]:
        """
        Take what is granted and free out of the rows of *meters*, or of all.

        Args:
            busy: Rows to leave alone.
        """
        returns: list[Return] = []
        with self.cells as words:
            self.roster.refresh()
            if meters is None:
                found: list[int | None] = [
                    self.cells.geometry.row(number) for number in range(words[H_USED])
                ]
            else:
                found = [self._row(meter) for meter in meters]
            for word in found:
                if word is not None and word not in busy:
                    returns += self._retire(word)
        return returns

    # Reports.

    def standing(self, meter: Meter) -> Standing | None:
        """
        Say how a meter stands; None where its row has no window that contains now.
        """
        with self.cells as words:
            word = self._find(meter)
            if word is None:
                return None
            if not words[word + R_STARTS] <= self.now() < words[word + R_ENDS]:
                return None
            return self._standing(meter, word)

    def _standing(self, meter: Meter, word: int) -> Standing:
        words = self.cells.words
        return Standing(
            meter=meter,
            limit=words[word + R_LIMIT],
            granted=words[word + R_GRANTED],
            free=words[word + R_FREE],
            spent=words[word + R_SPENT],
            burned=words[word + R_BURNED],
            starts=words[word + R_STARTS],
            ends=words[word + R_ENDS],
        )


def _above(granted: int, free: int, limit: int) -> int:
    """
    Say how much of what is free is above the limit.
    """
    return min(max(free, 0), max(0, granted - limit))


def _meta(meter_id: str) -> int:
    digest = hashlib.blake2b(meter_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def _kind(meter: Meter) -> int:
    return IS_USED | meter.unit | (IS_SOFT if meter.is_soft else 0)


def amount_of(meter: Meter, demand: Demand, money: int) -> int:
    """
    Say what must be free of a meter; of soft money anything at all, if money is wanted.
    """
    if meter.is_soft:
        return min(1, demand.money_want_nano)
    amounts = (money, demand.tokens, demand.requests, demand.in_flight)
    return amounts[meter.unit]


def most_telling(shorts: Sequence[Short]) -> Short | None:
    """
    Return one that is spent, if there is one: waiting for the others would not help.
    """
    spent = [short for short in shorts if short.is_spent]
    return next(iter(spent or shorts), None)


def short_of(found: Standing, need: int, now: int) -> Short:
    """
    Say that a meter has not enough, and when to ask again.
    """
    is_spent = found.limit - found.spent < need
    is_rate = found.meter.unit in {Unit.TOKENS, Unit.REQUESTS}
    has_end = found.ends < ALWAYS
    wait_s = (
        (found.ends - now) / MICROS if has_end and (is_spent or is_rate) else _SOON_S
    )
    return Short(found.meter, need=need, standing=found, retry_after_s=wait_s)
