"""
What a fake upstream knows: its account, its scripts, its records.
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any

import attrs

from gateway.testing.fake.ask import Rules
from gateway.testing.fake.bill import Bill, Charge, Departure, Record, SeenRequest, Sums
from gateway.testing.fake.errors import bad_request
from gateway.testing.fake.script import Script
from gateway.testing.fake.script_file import SCRIPT_HEADER, read_script
from gateway.testing.fake.watch import Watch

__all__ = ["Account", "Records", "Scripts"]

ANY_MODEL = "*"


@attrs.frozen(kw_only=True)
class Account:
    """
    What stays as it is while the server runs.

    *keys* and *models* that are ``None`` mean: any will do.
    """

    rules: Rules
    keys: frozenset[str] | None
    models: tuple[str, ...] | None
    patience_s: float
    clock: Callable[[], float]
    wall_clock: Callable[[], float]


@attrs.define(eq=False)
class Scripts:
    """
    Which script answers a request: the header's, the queue's, the model's.
    """

    default: Script
    by_model: dict[str, Script] = attrs.field(factory=dict)
    queue: collections.deque[Script] = attrs.field(factory=collections.deque)

    def choose(self, header: str | None, model: object) -> Script:
        """
        Take the script for one request.

        Raises:
            VendorError: 400, where the header holds no script.
        """
        if header is not None:
            try:
                return read_script(header)
            except ValueError as error:
                raise bad_request(f"{SCRIPT_HEADER}: {error}") from None
        if self.queue:
            return self.queue.popleft()
        if not self.by_model:
            return self.default
        if isinstance(model, str) and model in self.by_model:
            return self.by_model[model]
        return self.by_model.get(ANY_MODEL, self.default)


@attrs.define(eq=False)
class Records:
    """
    What happened, and what is happening.
    """

    remember: int
    count: int = 0  # requests ever
    in_flight: int = 0
    connections: int = 0  # open now
    connections_made: int = 0
    watch: Watch = attrs.field(factory=Watch)

    bill: Bill = attrs.field(init=False)
    requests: Record[SeenRequest] = attrs.field(init=False)
    departures: Record[Departure] = attrs.field(init=False)
    _charges: collections.deque[Charge] = attrs.field(init=False)
    _seen: collections.deque[SeenRequest] = attrs.field(init=False)
    _left: collections.deque[Departure] = attrs.field(init=False)
    _sums: Sums = attrs.field(init=False, factory=Sums)

    def __attrs_post_init__(self) -> None:
        self._charges = collections.deque(maxlen=self.remember)
        self._seen = collections.deque(maxlen=self.remember)
        self._left = collections.deque(maxlen=self.remember)
        self.bill = Bill(self._charges, self._sums)
        self.requests = Record(self._seen)
        self.departures = Record(self._left)

    def begin(self) -> int:
        """
        Count a request in; returns its number.
        """
        self.count += 1
        self.in_flight += 1
        self.watch.changed()
        return self.count

    def end(self) -> None:
        """
        Count a request out.
        """
        self.in_flight -= 1
        self.watch.changed()

    def saw(self, request: SeenRequest) -> None:
        """
        Keep what was asked.
        """
        self._seen.append(request)
        self.watch.changed()

    def departed(self, departure: Departure) -> None:
        """
        Keep that a caller left.
        """
        self._left.append(departure)
        self.watch.changed()

    def charge(self, charge: Charge, instead_of: Charge | None = None) -> None:
        """
        Put *charge* on the bill, once per request.

        Args:
            instead_of: the charge of an answer whose last bytes did not go out
                after all.
        """
        self._sums.add(charge)
        if instead_of is None:
            self._charges.append(charge)
        else:
            self._sums.add(instead_of, -1)
            self._put_in_place_of(instead_of, charge)
        self.watch.changed()

    def _put_in_place_of(self, old: Charge, new: Charge) -> None:
        for index in range(len(self._charges) - 1, -1, -1):
            if self._charges[index] is old:
                self._charges[index] = new
                return

    def describe(self) -> dict[str, Any]:
        """
        Sum up, for a message or for whoever asks over HTTP.
        """
        return {
            "requests": self.count,
            "in_flight": self.in_flight,
            "connections": self.connections,
            "connections_made": self.connections_made,
            "departures": len(self.departures),
            "charges": self.bill.charges_made,
            "input_tokens": self.bill.input_tokens,
            "cached_tokens": self.bill.cached_tokens,
            "output_tokens": self.bill.output_tokens,
        }
