"""
Runs: budgets that callers set themselves, below that of their key, for as long as they are used.

An agent names its run (``x-gw-run-id``), and what the run may cost (``x-gw-run-budget``).  The
first cap that is named stands and may be lowered.  A worker learns of a run from the database when
it first sees it, and from then on goes by what it remembers: what is spent stands in the ledger,
and so does the limit, which of a run only ever falls.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import attrs
import structlog

from gateway.errors import InvalidRequest, RateLimited
from gateway.tasks import Tasks
from gateway_governance.entities import NANO_PER_USD, Owner, OwnerKind, Unit
from gateway_governance.ledger.meters import Meter, meter_id
from gateway_governance.run_rows import BATCH, Place, RunRow, RunRows, TooManyRuns

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gateway.clock import Clock

log = structlog.get_logger("gateway.governance")

RUN_HEADER: Final = "x-gw-run-id"
CAP_HEADER: Final = "x-gw-run-budget"

#: Seconds between two times of writing down which runs were used.
WRITE_S: Final = 10.0
#: What others used may not be written down yet: a run is over so much later.
_GRACE_S: Final = 3 * WRITE_S
#: Another worker may have heard of a cap meanwhile.
_UNCAPPED_S: Final = 1.0
#: A key that has too many runs has them for a while: nobody asks the database again so soon.
_FULL_S: Final = 1.0
#: Runs that one worker remembers, and keys that have too many.
_REMEMBERED: Final = 20_000
#: Tuples of meters that a run has been added to, likewise.
_JOINED: Final = 16

_RUN_ID = re.compile(r"[ -~]{1,128}")
_USD = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,9}))?")


@attrs.frozen(kw_only=True)
class Named:
    """
    A run as a request names it.
    """

    run_id: str
    cap_nano: int | None = None


def named_in(headers: Mapping[str, str]) -> Named | None:
    """
    Return the run that *headers* name; None where they name none.

    Raises:
        InvalidRequest: 400 ``invalid_run``.
    """
    run_id, cap = headers.get(RUN_HEADER), headers.get(CAP_HEADER)
    if run_id is None:
        if cap is not None:
            raise _invalid(f"{CAP_HEADER} is of no run: name it in {RUN_HEADER}.")
        return None
    if _RUN_ID.fullmatch(run_id) is None:
        raise _invalid(f"{RUN_HEADER} is 1 to 128 printable ASCII characters.")
    return Named(run_id=run_id, cap_nano=None if cap is None else _nano(cap))


def _nano(text: str) -> int:
    match = _USD.fullmatch(text.strip())
    nano = 0
    if match is not None:
        nano = int(match[1]) * NANO_PER_USD + int((match[2] or "").ljust(9, "0"))
    if nano <= 0:
        raise _invalid(
            f"{CAP_HEADER} is an amount in USD above 0, such as 2 or 0.25, with nine digits "
            "at most before the point and after it."
        )
    return nano


def _invalid(message: str) -> InvalidRequest:
    return InvalidRequest(message, code="invalid_run")


@attrs.define(eq=False, kw_only=True)
class Run:
    """
    A run, as one worker knows it.

    Attributes:
        meter: None for a run without a cap, which is a name for reports and no more.
        known_at: Unix seconds, when this worker asked the database.
        used_at: Unix seconds, when this worker last saw it.
        under_way: Requests of it that this worker has let in.
    """

    run_id: str
    meter: Meter | None = None
    known_at: float = 0.0
    used_at: float = 0.0
    under_way: int = 0
    _joined: dict[int, tuple[tuple[Meter, ...], tuple[Meter, ...]]] = attrs.field(
        factory=dict, init=False, repr=False
    )

    def with_meters(self, meters: tuple[Meter, ...]) -> tuple[Meter, ...]:
        """
        Return *meters* and the run's own; the same tuple for the same tuple, as ledgers like.
        """
        if self.meter is None:
            return meters
        found = self._joined.get(id(meters))
        if found is None:
            if len(self._joined) >= _JOINED:
                self._joined.clear()
            # With *meters* beside it, so that no other tuple comes to have its identity.
            found = self._joined[id(meters)] = (meters, (*meters, self.meter))
        return found[1]

    def learn(self, meter: Meter | None, now: float) -> None:
        """
        Take over what the database said.
        """
        self.meter, self.known_at, self.used_at = meter, now, now
        self._joined.clear()

    def is_capped_by(self, cap_nano: int | None) -> bool:
        """
        Tell whether a request that names *cap_nano* tells anything new.
        """
        if cap_nano is None:
            return False
        return self.meter is None or cap_nano < self.meter.limit


def meter_of(row: RunRow) -> Meter:
    """
    Return what a run may spend.

    Its name is the caller's own, so its digest stands for it in the owner's id; of two runs of
    one name, one after the other, each has its own.
    """
    told = f"{row.began_at} {row.run_id}".encode()
    digest = hashlib.blake2b(told, digest_size=10).hexdigest()
    owner = Owner(OwnerKind.RUN, f"{row.key_id}:{digest}")
    return Meter(
        id=meter_id(owner, Unit.MONEY, None),
        owner=owner,
        unit=Unit.MONEY,
        limit=row.cap_nano,
        period=None,
    )


@attrs.define(eq=False, kw_only=True)
class Runs:
    """
    The runs that one worker knows.

    Args:
        lifetime_s: How long a run is known after its last request.
        forget: Lets go of meters, as `Ledger.forget` does.
    """

    rows: RunRows
    clock: Clock
    lifetime_s: float
    forget: Callable[[Sequence[Meter]], Awaitable[None]]
    _known: dict[Place, Run] = attrs.field(factory=dict, init=False)
    _visits: dict[Place, asyncio.Task[Run]] = attrs.field(factory=dict, init=False)
    _used: dict[Place, float] = attrs.field(factory=dict, init=False)
    _full: dict[str, tuple[float, float]] = attrs.field(factory=dict, init=False)
    _tasks: Tasks = attrs.field(factory=Tasks, init=False)

    # --- on the way of a request ------------------------------------------------------------

    async def enter(self, key_id: str, named: Named) -> Run:
        """
        Return the run that a request of *key_id* belongs to; `leave` it afterwards.

        Raises:
            RateLimited: 429 ``runs_limited``.
        """
        place = key_id, named.run_id
        run = self._find(place)
        # Two that come at once must not ask the database twice.
        while run is None or run.is_capped_by(named.cap_nano):
            visit = self._visits.get(place)
            if visit is None:
                run = await asyncio.shield(self._visit(place, named.cap_nano))
                break
            await asyncio.wait({visit})
            run = self._find(place)
        run.under_way += 1
        self._note(place, run)
        return run

    def leave(self, key_id: str, run: Run) -> None:
        """
        Take note that a request of *run* is over.
        """
        run.under_way -= 1
        self._note((key_id, run.run_id), run)

    async def look(self, key_id: str, named: Named) -> Run:
        """
        Return the run as it would be, changing nothing.
        """
        row = await self.rows.find((key_id, named.run_id))
        if row is not None and row.used_at < self._alive_since():
            row = None
        if named.cap_nano is not None:
            row = _capped(row, key_id, named.run_id, named.cap_nano)
        return Run(run_id=named.run_id, meter=None if row is None else meter_of(row))

    def _find(self, place: Place) -> Run | None:
        run, now = self._known.get(place), self.clock.now()
        if run is None:
            return None
        if run.meter is None:
            return run if now < run.known_at + _UNCAPPED_S else None
        is_alive = run.under_way > 0 or now <= run.used_at + self.lifetime_s
        return run if is_alive else None

    def _note(self, place: Place, run: Run) -> None:
        run.used_at = self.clock.now()
        if run.meter is not None:
            self._used[place] = run.used_at

    def _alive_since(self) -> float:
        return self.clock.now() - self.lifetime_s - _GRACE_S

    # --- learning of it ---------------------------------------------------------------------

    def _visit(self, place: Place, cap_nano: int | None) -> asyncio.Task[Run]:
        visit = self._tasks.spawn(self._learn(place, cap_nano), name="governance-run")
        self._visits[place] = visit
        visit.add_done_callback(lambda _: self._visits.pop(place))
        return visit

    async def _learn(self, place: Place, cap_nano: int | None) -> Run:
        row = await self.rows.find(place)
        if row is not None and row.used_at < self._alive_since():
            await self._end([row])
            row = None
        if cap_nano is not None and (row is None or cap_nano < row.cap_nano):
            row = await self._cap(place, cap_nano)
        return self._remember(place, row)

    async def _cap(self, place: Place, cap_nano: int) -> RunRow:
        key_id, now = place[0], self.clock.now()
        until, oldest_at = self._full.get(key_id, (0.0, 0.0))
        if now < until:
            raise self._limited(oldest_at)
        try:
            return await self.rows.cap(
                place, cap_nano, now=now, alive_since=self._alive_since()
            )
        except TooManyRuns as too_many:
            if len(self._full) >= _REMEMBERED:
                self._full.clear()
            self._full[key_id] = now + _FULL_S, too_many.oldest_at
            raise self._limited(too_many.oldest_at) from None

    def _limited(self, oldest_at: float) -> RateLimited:
        most = self.rows.max_per_key
        return RateLimited(
            f"This virtual key has {most} runs with a budget already, the most that are known "
            "at a time: go on with one of those, or leave the budget out.",
            code="runs_limited",
            retry_after_s=max(_FULL_S, oldest_at - self._alive_since()),
        )

    def _remember(self, place: Place, row: RunRow | None) -> Run:
        # The same one, while there is one: requests of it are under way.
        run = self._known.pop(place, None) or Run(run_id=place[1])
        if len(self._known) >= _REMEMBERED:
            self._known.pop(next(iter(self._known)))
        self._known[place] = run
        run.learn(None if row is None else meter_of(row), self.clock.now())
        return run

    # --- beside -----------------------------------------------------------------------------

    async def run(self) -> None:
        """
        Keep the table up to date for as long as nobody cancels; what fails is tried again.
        """
        while True:
            await asyncio.sleep(WRITE_S)
            try:
                await self.write()
                await self.prune()
            except Exception as exc:  # noqa: BLE001 - what is known serves meanwhile
                # Without its text: a database's errors show parameters.
                log.warning("runs not written down", error=type(exc).__name__)

    async def write(self) -> None:
        """
        Write down which runs were used.
        """
        now = self.clock.now()
        for place, run in self._known.items():
            if run.under_way and run.meter is not None:
                self._used[place] = now
        uses, self._used = self._used, {}
        try:
            await self.rows.used(uses)
        except BaseException:
            self._used = {**uses, **self._used}
            raise

    async def prune(self) -> None:
        """
        Forget what was not used for a lifetime, here and in the database.
        """
        now = self.clock.now()
        over = [
            place
            for place, run in self._known.items()
            if not run.under_way and now > run.used_at + self.lifetime_s
        ]
        for place in over:
            del self._known[place]
        is_more = True
        while is_more:
            rows = await self.rows.over(self._alive_since())
            await self._end(rows)
            is_more = len(rows) == BATCH

    async def _end(self, rows: Sequence[RunRow]) -> None:
        # First the meters: a worker that dies in between leaves nothing that nobody finds.
        if rows:
            await self.forget([meter_of(row) for row in rows])
            await self.rows.remove(rows)

    async def close(self) -> None:
        """
        Write down what is not yet.
        """
        await self._tasks.join(timeout_s=1.0)
        await self.write()


def _capped(row: RunRow | None, key_id: str, run_id: str, cap_nano: int) -> RunRow:
    if row is None:
        return RunRow(
            key_id=key_id, run_id=run_id, began_at=0, cap_nano=cap_nano, used_at=0.0
        )
    return attrs.evolve(row, cap_nano=min(row.cap_nano, cap_nano))
