"""
Who is left alone for a while, because it failed or asked for it.

Health is kept by *place*: a provider, one of its models, one of its keys, one model
with one key.  A place that failed several times in a row, or that said when to come
back, is cooling.  When the time is over, a place that failed is probed by one attempt
while the others still go elsewhere (half open), and its success opens the place again;
one that only asked for a rest is open at once.  A place without a record is well, so a
gateway in good health keeps no records at all.

What callers send can make a provider fail: a prompt that takes too long, a body that it
breaks over.  So a place that failed for one *party* alone (a customer, or whoever pays) is
left alone by that party alone; for all others it cools when a second party's attempt failed
in the same row.  A probe that fails keeps its own party away for twice as long as the
others, so that the next probe is somebody else's.  What a provider says itself, that it
wants a rest or knows the key no more, goes for everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import attrs

from gateway.routing.retry_after import MAX_RETRY_AFTER_S

#: (provider,), (provider, key), or with the model last (provider, key or None, model).
Place = tuple[str | None, ...]

#: Callers choose names of models, so records could grow without end.
MAX_RECORDS: Final = 4096

#: Parties told apart at one place; of more the oldest is forgotten.
MAX_PARTIES: Final = 64

#: Parties that must have failed in a row before a place cools for everybody.
PARTIES_TO_COOL: Final = 2

#: Each further failed probe doubles the cooldown, up to this many times.
MAX_DOUBLINGS: Final = 6

#: A probe that never reports, because its caller left, blocks the place no longer.
PROBE_LASTS_S: Final = 30.0


@attrs.define(kw_only=True, eq=False)
class _Record:
    """
    How a place stands: for everybody, or within `alone` for one party.

    Attributes:
        rounds: How often it cooled because it failed; 0 while it only asked for a rest.
        alone: Of each party that failed here since the last success, or cools from before.
        parties: Some of those who failed since, `PARTIES_TO_COOL` at most.
    """

    failures: int = 0
    rounds: int = 0
    cools_until: float | None = None
    probed_until: float = 0.0
    why: str = ""
    alone: dict[str, _Record] = attrs.field(factory=dict)
    parties: set[str] = attrs.field(factory=set)

    def is_cooling(self, now: float) -> bool:
        return self.cools_until is not None and self.cools_until > now

    def is_due(self, now: float) -> bool:
        return self.cools_until is not None and self.cools_until <= now

    def of(self, party: str) -> tuple[_Record, ...]:
        own = self.alone.get(party)
        return (self,) if own is None else (self, own)


@attrs.frozen(kw_only=True)
class Cooling:
    """
    How one place stands, for an operator's eyes.

    Attributes:
        state: ``counting`` failures, ``cooling``, ``half_open``, ``probing``; ``well`` again,
            which is only told.
        left_s: Seconds until it may be probed.
        why: The last failure, in words.
        party: For whom alone, or "" for everybody, and where parties are not told apart.
    """

    place: Place
    state: str
    left_s: float
    why: str
    party: str = ""


@attrs.define(kw_only=True, eq=False)
class Health:
    """
    The records of all places, of one process.

    Args:
        clock: Monotonic seconds.
        cooldown_s: The first cooldown of a place that failed.
        failures_to_cool: Failures in a row that bring it about.
        tell: Told of each place that begins to cool, and of each that is well again.
    """

    clock: Callable[[], float]
    cooldown_s: float = 10.0
    failures_to_cool: int = 3
    tell: Callable[[Cooling], None] = lambda _: None
    _records: dict[Place, _Record] = attrs.field(factory=dict, init=False, repr=False)

    @property
    def is_clean(self) -> bool:
        """
        Whether every place is well, so that nobody has to ask.
        """
        return not self._records

    def waits_for(self, places: Iterable[Place], now: float, party: str = "") -> float:
        """
        Return in how many seconds *party* may make an attempt at *places*; 0 is now.

        A place that is being probed may be used as soon as the probe has reported, at
        the latest when it has lasted too long.
        """
        longest = 0.0
        for place in places:
            record = self._records.get(place)
            for one in record.of(party) if record is not None else ():
                if one.cools_until is not None:
                    until = max(one.cools_until, one.probed_until)
                    longest = max(longest, until - now)
        return longest

    def enter(
        self, places: Iterable[Place], now: float, party: str = ""
    ) -> tuple[Place, ...] | None:
        """
        Ask whether *party* may make an attempt; takes the probes that are due.

        Returns:
            None if it may not, else the places that it probes: mostly none.  Each is
            given back by `succeeded`, `failed` or `released`.
        """
        due = []
        for place in places:
            record = self._records.get(place)
            for one in record.of(party) if record is not None else ():
                if one.cools_until is None:
                    continue
                if max(one.cools_until, one.probed_until) > now:
                    return None
                due.append((place, one))
        due = [(place, one) for place, one in due if not self._has_rested(place, one)]
        for _, one in due:
            one.probed_until = now + PROBE_LASTS_S
        return tuple(dict.fromkeys(place for place, _ in due))

    def succeeded(self, places: Iterable[Place]) -> None:
        """
        Forget the failures of *places*, whoever's, but for those that are cooling.

        What was sent before a place began to cool says nothing about whether it is well
        now, and a deadline that the provider set stands.
        """
        now = self.clock()
        for place in places:
            record = self._records.get(place)
            if record is not None and not record.is_cooling(now):
                self._forget(place, record, now)

    def failed(
        self,
        place: Place,
        why: str,
        *,
        party: str = "",
        cools: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        """
        Count a failure of *place*, and let it cool if it was one too many.

        Args:
            party: Whose request it was.
            cools: Let it cool at once, for everybody.
            retry_after_s: It said when to come back; then it cools at once, and for at
                least so long, for everybody.
        """
        now = self.clock()
        record = self._record(place)
        rested = record.is_cooling(now), self._is_alone(record, party, now)
        record.failures += 1
        record.why = why
        record.probed_until = 0.0
        if retry_after_s is not None:
            # Only what was asked for: a rate limit is no sign of failing health.
            self._cool(record, now, min(retry_after_s, MAX_RETRY_AFTER_S))
        elif cools:
            self._rest(record, now)
        else:
            self._count(record, party, now)
        if record.is_cooling(now):
            if not rested[0]:
                self.tell(_row(place, record, now))
        elif self._is_alone(record, party, now) and not rested[1]:
            self.tell(_row(place, record.alone[party], now, party))

    def _is_alone(self, record: _Record, party: str, now: float) -> bool:
        """
        Tell whether *party* is kept away for itself.
        """
        return party in record.alone and record.alone[party].is_cooling(now)

    def _count(self, record: _Record, party: str, now: float) -> None:
        """
        Count a failure of *party*, for itself and for everybody.
        """
        was_probe = record.is_due(now)
        own = self._own(record, party)
        own.failures += 1
        own.why = record.why
        own.probed_until = 0.0
        if was_probe:
            own.rounds = max(own.rounds, record.rounds + 1)
        if was_probe or own.is_due(now) or self._is_enough(own):
            self._rest(own, now)
        if len(record.parties) < PARTIES_TO_COOL:
            record.parties.add(party)
        is_shared = len(record.parties) >= PARTIES_TO_COOL
        if was_probe or (is_shared and self._is_enough(record)):
            self._rest(record, now)

    def released(self, places: Iterable[Place], party: str = "") -> None:
        """
        Give back the probes of *places*: the attempt ended without telling anything.
        """
        for place in places:
            record = self._records.get(place)
            for one in record.of(party) if record is not None else ():
                one.probed_until = 0.0

    def listing(self) -> list[Cooling]:
        """
        List every place that is not well: for everybody, and for whom alone.
        """
        now = self.clock()
        rows = []
        for place, record in self._records.items():
            alone = [
                _row(place, one, now, party)
                for party, one in record.alone.items()
                if one.cools_until is not None
            ]
            if record.cools_until is not None or not alone:
                rows.append(_row(place, record, now))
            rows += alone
        return rows

    def _has_rested(self, place: Place, record: _Record) -> bool:
        """
        Tell whether *record* of *place* only asked for a rest; forget it once that is over.
        """
        if record.rounds:
            return False
        now = self.clock()
        if record.is_due(now):
            self._forget(place, record, now)
        return True

    def _forget(self, place: Place, record: _Record, now: float) -> None:
        """
        Drop *record*, but for the parties that are kept away.
        """
        cooling = {p: one for p, one in record.alone.items() if one.is_cooling(now)}
        if cooling:
            self._records[place] = _Record(alone=cooling, why=record.why)
            return
        del self._records[place]
        if any(one.cools_until is not None for one in (record, *record.alone.values())):
            self.tell(Cooling(place=place, state="well", left_s=0.0, why=record.why))

    def _is_enough(self, record: _Record) -> bool:
        return record.failures >= self.failures_to_cool

    def _rest(self, record: _Record, now: float) -> None:
        """
        Let *record* cool, longer each time; what was sent before it did tells nothing new.
        """
        if record.is_cooling(now):
            return
        rest = self.cooldown_s * (1 << min(record.rounds, MAX_DOUBLINGS))
        self._cool(record, now, min(rest, MAX_RETRY_AFTER_S))
        record.rounds += 1

    def _cool(self, record: _Record, now: float, rest_s: float) -> None:
        if rest_s > 0.0:
            # The longer deadline stands: a short failure must not cut a long rest.
            record.cools_until = max(record.cools_until or 0.0, now + rest_s)
            record.failures = 0

    def _record(self, place: Place) -> _Record:
        record = self._records.get(place)
        if record is None:
            if len(self._records) >= MAX_RECORDS:
                self._make_room()
            record = self._records[place] = _Record()
        return record

    def _own(self, record: _Record, party: str) -> _Record:
        own = record.alone.get(party)
        if own is None:
            if len(record.alone) >= MAX_PARTIES:
                del record.alone[next(iter(record.alone))]
            own = record.alone[party] = _Record()
        return own

    def _make_room(self) -> None:
        """
        Drop the oldest record that only counts, or failing that the oldest.
        """
        oldest = next(iter(self._records))
        counting = (p for p, r in self._records.items() if r.cools_until is None)
        del self._records[next(counting, oldest)]


def _row(place: Place, record: _Record, now: float, party: str = "") -> Cooling:
    return Cooling(
        place=place,
        state=_state(record, now),
        left_s=max(0.0, (record.cools_until or now) - now),
        why=record.why,
        party=party,
    )


def _state(record: _Record, now: float) -> str:
    if record.cools_until is None:
        return "counting"
    if record.cools_until > now:
        return "cooling"
    return "probing" if record.probed_until > now else "half_open"
