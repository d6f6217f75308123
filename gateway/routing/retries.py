"""
What the end of an attempt means for the next one.

Where it may go, after how long, and whether the traffic can bear it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from random import Random
from typing import Final

import attrs


class Failure(enum.Enum):
    """
    How an attempt ended that got no answer with a status.

    Attributes:
        CONNECT: no connection.
        STALL: nothing came in time, before the first byte.
        BROKEN: the connection broke before the first byte.
        UNREADABLE: an answer came that is none: no HTTP, no JSON, too large.
        CUT: the answer broke off after its first byte; never tried again.
        BUSY: the provider's own concurrency limit here had no place in time.
        REFUSED: a plugin, or the translation, refused the target; nothing was sent.
        LEFT: the caller left, or the exchange ended for another reason.
    """

    CONNECT = "did not connect"
    STALL = "did not answer in time"
    BROKEN = "broke the connection"
    UNREADABLE = "answered unreadably"
    CUT = "broke off its answer"
    BUSY = "had no free place"
    REFUSED = "was refused"
    LEFT = "was abandoned"


@attrs.frozen(kw_only=True)
class Report:
    """
    What came of one attempt, as far as routing needs to know.

    Attributes:
        status: The provider's HTTP status, or None.
        failure: Why there is none, or why the answer broke.
        code: The provider's own code or type of the error.
        kind: What the dialect takes the error for, see `gateway.neutral.Fault`.
        retry_after_s: When the provider may be asked again, if it said so.
    """

    status: int | None = None
    failure: Failure | None = None
    code: str | None = None
    kind: str | None = None
    retry_after_s: float | None = None

    def __str__(self) -> str:
        return self.failure.value if self.failure else f"status {self.status}"


class Next(enum.Enum):
    """
    Where another attempt may go.

    Attributes:
        NOWHERE: this is the answer.
        ANYWHERE: another target, or after a wait the same one.
        OTHER_KEY: the same target with another key at once, or another target.
        OTHER_KEY_OR_WAIT: likewise, or after a wait the same target with the same key.
        OTHER_TARGET: another target only.
    """

    NOWHERE = "nowhere"
    ANYWHERE = "anywhere"
    OTHER_KEY = "other_key"
    OTHER_KEY_OR_WAIT = "other_key_or_wait"
    OTHER_TARGET = "other_target"


class Blame(enum.Enum):
    """
    Whose health a failure counts against.
    """

    NOBODY = "nobody"
    PROVIDER = "provider"
    MODEL = "model"
    KEY = "key"
    KEY_AND_MODEL = "key_and_model"


@attrs.frozen
class Ruling:
    """
    What a report means.

    Attributes:
        cools: The blamed place is left alone at once, not after several failures.
        is_well: The provider did what it should, whatever it said of the request.
    """

    next: Next
    blame: Blame = Blame.NOBODY
    cools: bool = False
    is_well: bool = False


_WELL: Final = Ruling(Next.NOWHERE, is_well=True)
_SILENT: Final = Ruling(Next.NOWHERE)
_OVERLOADED: Final = Ruling(Next.ANYWHERE, Blame.MODEL)
_BAD_KEY: Final = Ruling(Next.OTHER_KEY, Blame.KEY, cools=True)

FAILURES: Final = {
    Failure.CONNECT: Ruling(Next.ANYWHERE, Blame.PROVIDER),
    Failure.STALL: Ruling(Next.ANYWHERE, Blame.MODEL),
    Failure.BROKEN: Ruling(Next.ANYWHERE, Blame.PROVIDER),
    Failure.UNREADABLE: Ruling(Next.OTHER_TARGET, Blame.MODEL),
    Failure.CUT: Ruling(Next.NOWHERE, Blame.MODEL),
    Failure.BUSY: Ruling(Next.OTHER_TARGET),
    Failure.REFUSED: Ruling(Next.OTHER_TARGET),
    Failure.LEFT: _SILENT,
}

STATUSES: Final = {
    401: _BAD_KEY,
    402: _BAD_KEY,
    # Often about this one request or model, and callers must not be able to take a key
    # away from others with one request: it counts, but does not cool at once.
    403: Ruling(Next.OTHER_KEY, Blame.KEY),
    # Not here; a target that says so was set up wrongly, and the next may not be.
    404: Ruling(Next.OTHER_TARGET, is_well=True),
    408: _OVERLOADED,
    409: Ruling(Next.ANYWHERE, is_well=True),
    424: _OVERLOADED,
    425: Ruling(Next.ANYWHERE, is_well=True),
    429: Ruling(Next.OTHER_KEY_OR_WAIT, Blame.KEY_AND_MODEL),
    500: _OVERLOADED,
    502: _OVERLOADED,
    503: _OVERLOADED,
    504: _OVERLOADED,
    520: _OVERLOADED,  # to 524: Cloudflare, in front of many vendors
    521: _OVERLOADED,
    522: _OVERLOADED,
    523: _OVERLOADED,
    524: _OVERLOADED,
    529: _OVERLOADED,
}

#: The key is out of money; some vendors say so with 429, some with 400 or 403.
QUOTA_CODES: Final = frozenset(
    "insufficient_quota billing_not_active billing_hard_limit_reached "
    "billing_error".split()
)


def rule(report: Report) -> Ruling:
    """
    Say what *report* means for the next attempt and for health.
    """
    if report.failure is not None:
        return FAILURES[report.failure]
    status = report.status or 0
    if status >= 400 and (report.kind == "billing" or report.code in QUOTA_CODES):
        return _BAD_KEY
    ruling = STATUSES.get(status)
    if ruling is not None:
        return ruling
    if 200 <= status < 300 or 400 <= status < 500:
        return _WELL
    # A redirect, which is never followed, or a server error that nobody listed.
    return Ruling(Next.OTHER_TARGET, Blame.MODEL)


def backoff_s(
    round_number: int, initial_s: float, max_s: float, random: Random
) -> float:
    """
    Return how long to wait before the retry *round_number*, which counts from 0.

    Doubles from *initial_s* to *max_s*; half of it is left to chance, so that those who
    failed together do not come back together.
    """
    full = min(initial_s * (1 << min(round_number, 30)), max_s)
    return full * (0.5 + 0.5 * random.random())


@attrs.define(kw_only=True, eq=False)
class RetryBudget:
    """
    Keeps retries at one provider to a share of its traffic.

    So a provider in trouble is not buried under them.  Counted in two windows, the
    running one and the one before.  A few retries are always free, or a quiet gateway
    could never retry at all.

    Args:
        clock: Monotonic seconds.
        share: Of the first attempts; 0 allows no retry at all.
    """

    clock: Callable[[], float]
    share: float

    window_s: float = 10.0
    free: int = 10

    _started: float = attrs.field(default=0.0, init=False)
    _asked: int = attrs.field(default=0, init=False)
    _asked_before: int = attrs.field(default=0, init=False)
    _retried: int = attrs.field(default=0, init=False)
    _retried_before: int = attrs.field(default=0, init=False)

    def asked(self) -> None:
        """
        Count a first attempt.
        """
        if self.clock() - self._started >= self.window_s:
            self._turn()
        self._asked += 1

    def take(self) -> bool:
        """
        Take one retry, if the budget has one left.
        """
        if self.clock() - self._started >= self.window_s:
            self._turn()
        allowed = self.share * (self._asked + self._asked_before) + self.free
        if not self.share or self._retried + self._retried_before + 1 > allowed:
            return False
        self._retried += 1
        return True

    def _turn(self) -> None:
        now = self.clock()
        is_next = now - self._started < 2 * self.window_s
        self._asked_before = self._asked if is_next else 0
        self._retried_before = self._retried if is_next else 0
        self._asked = self._retried = 0
        self._started = now
