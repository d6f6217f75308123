"""
Who is left alone for a while, because it failed or asked for it.

Health is kept by *place*: a provider, one of its models, one of its keys, one model
with one key.  A place that failed several times in a row, or that said when to come
back, is cooling.  When the time is over, a place that failed is probed by one attempt
while the others still go elsewhere (half open), and its success opens the place again;
one that only asked for a rest is open at once.  A place without a record is well, so a
gateway in good health keeps no records at all.
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

#: Each further failed probe doubles the cooldown, up to this many times.
MAX_DOUBLINGS: Final = 6

#: A probe that never reports, because its caller left, blocks the place no longer.
PROBE_LASTS_S: Final = 30.0


@attrs.define(kw_only=True, eq=False)
class _Record:
    failures: int = 0
    rounds: int = 0
    cools_until: float | None = None
    probed_until: float = 0.0
    why: str = ""


@attrs.frozen(kw_only=True)
class Cooling:
    """
    One place that is not well, for an operator's eyes.

    Attributes:
        state: ``counting`` failures, ``cooling``, ``half_open``, ``probing``.
        left_s: Seconds until it may be probed.
        why: The last failure, in words.
    """

    place: Place
    state: str
    left_s: float
    why: str


@attrs.define(kw_only=True, eq=False)
class Health:
    """
    The records of all places, of one process.

    Args:
        clock: Monotonic seconds.
        cooldown_s: The first cooldown of a place that failed.
        failures_to_cool: Failures in a row that bring it about.
    """

    clock: Callable[[], float]
    cooldown_s: float = 10.0
    failures_to_cool: int = 3
    _records: dict[Place, _Record] = attrs.field(factory=dict, init=False, repr=False)

    @property
    def is_clean(self) -> bool:
        """
        Whether every place is well, so that nobody has to ask.
        """
        return not self._records

    def waits_for(self, places: Iterable[Place], now: float) -> float:
        """
        Return in how many seconds an attempt at *places* may be made; 0 is now.

        A place that is being probed may be used as soon as the probe has reported, at
        the latest when it has lasted too long.
        """
        longest = 0.0
        for place in places:
            record = self._records.get(place)
            if record is not None and record.cools_until is not None:
                until = max(record.cools_until, record.probed_until)
                longest = max(longest, until - now)
        return longest

    def enter(self, places: Iterable[Place], now: float) -> tuple[Place, ...] | None:
        """
        Ask whether an attempt may be made; takes the probes that are due.

        Returns:
            None if it may not, else the places that it probes: mostly none.  Each is
            given back by `succeeded`, `failed` or `released`.
        """
        due = []
        for place in places:
            record = self._records.get(place)
            if record is None or record.cools_until is None:
                continue
            if max(record.cools_until, record.probed_until) > now:
                return None
            due.append(place)
        due = [place for place in due if not self._has_rested(place)]
        for place in due:
            self._records[place].probed_until = now + PROBE_LASTS_S
        return tuple(due)

    def succeeded(self, places: Iterable[Place]) -> None:
        """
        Forget the failures of *places*, but for those that are cooling.

        What was sent before a place began to cool says nothing about whether it is well
        now, and a deadline that the provider set stands.
        """
        now = self.clock()
        for place in places:
            record = self._records.get(place)
            if record is not None and (record.cools_until or 0.0) <= now:
                del self._records[place]

    def failed(
        self,
        place: Place,
        why: str,
        *,
        cools: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        """
        Count a failure of *place*, and let it cool if it was one too many.

        Args:
            cools: Let it cool at once.
            retry_after_s: It said when to come back; then it cools at once, and for at
                least so long.
        """
        now = self.clock()
        record = self._record(place)
        record.failures += 1
        record.why = why
        record.probed_until = 0.0
        if retry_after_s is not None:
            # Only what was asked for: a rate limit is no sign of failing health.
            self._cool(record, now, min(retry_after_s, MAX_RETRY_AFTER_S))
        elif record.cools_until is not None and record.cools_until > now:
            pass  # sent before it began to cool, so it tells nothing new
        elif cools or record.cools_until is not None or self._is_enough(record):
            rest = self.cooldown_s * (1 << min(record.rounds, MAX_DOUBLINGS))
            self._cool(record, now, min(rest, MAX_RETRY_AFTER_S))
            record.rounds += 1

    def released(self, places: Iterable[Place]) -> None:
        """
        Give back the probes of *places*: the attempt ended without telling anything.
        """
        for place in places:
            record = self._records.get(place)
            if record is not None:
                record.probed_until = 0.0

    def listing(self) -> list[Cooling]:
        """
        List every place that is not well.
        """
        now = self.clock()
        return [
            Cooling(
                place=place,
                state=_state(record, now),
                left_s=max(0.0, (record.cools_until or now) - now),
                why=record.why,
            )
            for place, record in self._records.items()
        ]

    def _has_rested(self, place: Place) -> bool:
        """
        Tell whether *place* only asked for a rest; forget it once that is over.
        """
        record = self._records[place]
        if record.rounds:
            return False
        if (record.cools_until or 0.0) <= self.clock():
            del self._records[place]
        return True

    def _is_enough(self, record: _Record) -> bool:
        return record.failures >= self.failures_to_cool

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

    def _make_room(self) -> None:
        """
        Drop the oldest record that only counts, or failing that the oldest.
        """
        oldest = next(iter(self._records))
        counting = (p for p, r in self._records.items() if r.cools_until is None)
        del self._records[next(counting, oldest)]


def _state(record: _Record, now: float) -> str:
    if record.cools_until is None:
        return "counting"
    if record.cools_until > now:
        return "cooling"
    return "probing" if record.probed_until > now else "half_open"
