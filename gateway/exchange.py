"""
One client request until its last byte, and what is known and decided on the way.
"""

from __future__ import annotations

import enum
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Generic,
    Literal,
    TypeVar,
    cast,
    overload,
)

import attrs

from gateway.raised import without_frames
from gateway.trail import Trail

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Mapping, Sequence

    from multidict import CIMultiDict, CIMultiDictProxy

    from gateway.catalog import Tariff
    from gateway.clock import Clock
    from gateway.dialects import Dialect
    from gateway.errors import ExchangeError
    from gateway.flights import Flight
    from gateway.outcomes import Losses, Stop
    from gateway.routing.targets import Target
    from gateway.settings import Settings
    from gateway.usage import Usage
    from gateway.views import Chunk, Request, Response

#: Bytes of request and answer from which on an exchange is large.
LARGE_BYTES: Final = 64 * 1024

T = TypeVar("T")
D = TypeVar("D")


class StashKey(Generic[T]):
    """
    A typed place in a `Stash`, owned by whoever holds the key object.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<StashKey {self.name}>"


class Stash:
    """
    What a plugin keeps on an exchange from one hook to the next, invisible to the others.
    """

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[StashKey[Any], Any] = {}

    def __setitem__(self, key: StashKey[T], value: T) -> None:
        self._values[key] = value

    def __getitem__(self, key: StashKey[T]) -> T:
        return cast("T", self._values[key])

    def __delitem__(self, key: StashKey[T]) -> None:
        del self._values[key]

    def __contains__(self, key: object) -> bool:
        return key in self._values

    @overload
    def get(self, key: StashKey[T]) -> T | None: ...

    @overload
    def get(self, key: StashKey[T], default: D) -> T | D: ...

    def get(self, key: StashKey[T], default: Any = None) -> Any:
        """
        Return what stands at *key*, or *default*.
        """
        return self._values.get(key, default)


#: What callers are, or belong to.
CallerKind = Literal["customer", "team", "virtual_key"]


@attrs.frozen(kw_only=True)
class Identity:
    """
    Who calls: what authentication found out, for every plugin inside it.

    Attributes:
        key_id: The virtual key's id, which may be shown; never its secret.
        key_name: The name that people know it by.
        facts: Further facts as text (a subject, an e-mail domain), by name.
    """

    key_id: str
    key_name: str = ""
    team_id: str | None = None
    customer_id: str | None = None
    facts: Mapping[str, str] = attrs.field(factory=dict)


class Outcome(enum.Enum):
    """
    How an exchange, or a stream, ended.
    """

    FINISHED = "finished"
    REFUSED = "refused"
    FAILED = "failed"
    LEFT = "left"


class AttemptState(enum.Enum):
    """
    Where an attempt stands.
    """

    PLANNED = "planned"
    NOT_SENT = "not_sent"
    SENT = "sent"
    ANSWERED = "answered"
    BROKEN = "broken"


@attrs.define(kw_only=True, eq=False)
class Attempt:
    """
    One try at one target; another provider key is another attempt.

    Attributes:
        number: From 1.
        request: The caller's request as this attempt will send it, in the caller's dialect;
            `before_attempt` may edit it without touching `Exchange.request`.
        headers: Headers for the provider beside its own, editable in `before_attempt`.
        joined: Nobody is asked: it follows somebody else's flight, or gives an answer that was
            kept.  Authorise and record, hold nothing but *charge_nano*.
        charge_nano: What the caller pays for an answer that was kept, in nano-USD.
        charge_of: Tells *charge_nano* from what the flight costs, while that is not known: who
            keeps budgets holds it for the worst case.
        flight: The flight that it is tried in, or that it follows.
        hold_nano: What is held for it, in nano-USD, for plugins to share.
        usage: What the provider said it used.
        tariff: What its model costs.  A plugin may choose it in `before_attempt`; where none
            did, the core puts the catalog's there once the usage is known.
        price_version: Of which catalog, and of what else, *tariff* is.
        cost_nano: What *usage* costs by *tariff*, once both are known; of an answer that was kept
            what is charged for it.  Where the provider told no usage, a plugin that charges an
            estimate puts it there in `after_attempt`.
        stop: Why the model stopped, with the provider's raw word.
        status: The provider's HTTP status, or None.
        bytes_received: Of the provider's body so far.
        error: Why it failed, or None.
        upstream_id: The provider's own request id.
        sent_at: Monotonic seconds; likewise *first_event_at* and *ended_at*.
    """

    number: int
    target: Target
    request: Request
    headers: CIMultiDict[str]
    joined: bool = False
    charge_nano: int = 0
    charge_of: Callable[[int], int] | None = attrs.field(default=None, repr=False)
    state: AttemptState = AttemptState.PLANNED
    hold_nano: int = 0
    usage: Usage | None = None
    tariff: Tariff | None = attrs.field(default=None, repr=False)
    price_version: str = ""
    cost_nano: int | None = None
    stop: Stop | None = None
    status: int | None = None
    bytes_received: int = 0
    error: ExchangeError | None = None
    upstream_id: str | None = None
    sent_at: float | None = None
    first_event_at: float | None = None
    ended_at: float | None = None
    flight: Flight | None = attrs.field(default=None, repr=False)
    #: Innermost plugin position whose `before_attempt` returned; the core's own.
    entered_from: int = attrs.field(default=1 << 30, repr=False)

    @property
    def not_sent(self) -> bool:
        """
        Whether nothing of it can have reached the provider.
        """
        return self.state in (AttemptState.PLANNED, AttemptState.NOT_SENT)


@attrs.frozen
class Answer:
    """
    What a plugin answers instead of a provider: a whole response, or chunks.

    Chunks are in the caller's dialect, each a fresh view.
    """

    response: Response | None = None
    chunks: AsyncIterable[Chunk] | None = None

    def __attrs_post_init__(self) -> None:
        if (self.response is None) == (self.chunks is None):
            msg = "an Answer is either a response or chunks"
            raise ValueError(msg)


@attrs.frozen(kw_only=True)
class Drain:
    """
    How far a provider is listened to after the caller left, so that its own figures are known.

    Attributes:
        max_s: Seconds from the caller's leaving on.
        max_events: Events of a stream from there on; None is any number.
    """

    max_s: float
    max_events: int | None = None


@attrs.define(kw_only=True, eq=False)
class Exchange:
    """
    One client request until its last byte.

    Attributes:
        id: The request id, which is also the receipt: ``req_…``.
        operation: ``generate``, ``embed``, ``complete``, ``count_tokens``; ``list_models`` in
            `Plugin.list_models` alone.
        dialect: The caller's.
        request: What the caller asks, editable in `pre_request`.
        headers: The caller's headers, read only.
        peer: The caller's network address.
        query: The query string as it came; some callers put a credential into it.
        settings: The snapshot that the exchange began with, and keeps.
        identity: Who calls, once somebody found out.
        response: The whole answer, or after a stream the assembled one.
        is_restored: The answer holds what was put back for this caller alone; whoever stores
            answers stores none of it.
        cost_nano: What the exchange cost, in nano-USD, once known.
        error: The refusal or failure that the caller was told.
        outcome: How it ended; None while it has not.
        turned_at: Position of the plugin that answered, or past the last.
        parent: The exchange that this one is a nested call of: it has that one's identity, and
            its caller pays.
        drain: What `pre_request` may set: the provider is listened to after the caller left,
            instead of being cut off at once.
        dry_run: Nothing is sent, nothing is counted: holds become checks.
        explained_key: In a dry run, the name of the virtual key in whose name an operator asks,
            who was let in by an admin token or is at the machine.  A plugin that identifies
            callers takes that key as if it had come as the credential, and refuses a name that
            it does not know.  None in every exchange that is relayed.
        upstream_headers: What the caller may see of the provider's headers.
        response_headers: Headers for the caller; plugins add theirs before the first byte.
        started_at: Monotonic seconds; likewise *first_event_at* and *ended_at*.
    """

    id: str
    operation: str
    dialect: Dialect
    request: Request
    headers: CIMultiDictProxy[str]
    settings: Settings
    clock: Clock
    peer: str = ""
    path: str = ""
    query: str = attrs.field(default="", repr=False)
    identity: Identity | None = None
    stash: Stash = attrs.field(factory=Stash, repr=False)
    trail: Trail = attrs.field(factory=Trail, repr=False)
    attempts: list[Attempt] = attrs.field(factory=list, repr=False)
    response: Response | None = None
    is_restored: bool = False
    response_headers: dict[str, str] = attrs.field(factory=dict, repr=False)
    upstream_headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    cost_nano: int | None = None
    error: ExchangeError | None = None
    outcome: Outcome | None = None
    status: int | None = None
    turned_at: int = 1 << 30
    parent: Exchange | None = None
    drain: Drain | None = None
    dry_run: bool = False
    explained_key: str | None = None
    started_at: float = 0.0
    first_event_at: float | None = None
    ended_at: float | None = None
    bytes_sent: int = 0
    is_committed: bool = False
    losses: Losses | None = attrs.field(default=None, repr=False)
    forwarder: Forwarder | None = attrs.field(default=None, repr=False)
    #: Position of the plugin whose `pre_request` runs.
    at: int = attrs.field(default=-1, repr=False)
    #: Set by `explain` while a hook runs, taken by the chain for its trail line.
    reason: str = attrs.field(default="", repr=False)

    def explain(self, reason: str) -> None:
        """
        Say why the hook that is running decides as it does; stands in its trail line.

        *reason* is for an operator: no prompt, no secret.
        """
        self.reason = reason

    @property
    def depth(self) -> int:
        """
        How many exchanges this one is nested in.
        """
        return 0 if self.parent is None else self.parent.depth + 1

    @property
    def is_large(self) -> bool:
        """
        Whether request and answer are too long to be kept in memory for convenience.
        """
        return self.size_bytes > LARGE_BYTES

    @property
    def size_bytes(self) -> int:
        """
        Bytes of request and answer.
        """
        return len(self.request.encode()) + self.bytes_sent

    def forget_frames(self) -> None:
        """
        Let go of where its errors were raised; see `gateway.raised.without_frames`.
        """
        if self.error is not None:
            without_frames(self.error)
        for attempt in self.attempts:
            if attempt.error is not None:
                without_frames(attempt.error)

    def when_ended(self) -> tuple[float, float]:
        """
        Return when it ended, in Unix seconds, and how long it took; now, if it goes on.
        """
        now = self.clock.monotonic()
        ended = now if self.ended_at is None else self.ended_at
        return self.clock.now() - (now - ended), ended - self.started_at

    @property
    def duration_s(self) -> float:
        """
        How long it took; until now, if it goes on.
        """
        ended = self.ended_at
        return (self.clock.monotonic() if ended is None else ended) - self.started_at

    @property
    def attempt(self) -> Attempt | None:
        """
        The last attempt, or None.
        """
        return self.attempts[-1] if self.attempts else None

    @property
    def goes_straight(self) -> bool:
        """
        Whether nobody inside the plugin whose `pre_request` runs has a say before a provider.

        Then no answer is given, nothing inspected and no text changed in between: what that plugin
        would check now it may as well check in its `before_attempt`, where more is known.  Known
        in `pre_request` alone.
        """
        return self.forwarder is not None and self.forwarder.goes_straight(self)

    def targets(self, name: str) -> Sequence[Target]:
        """
        Return the targets that the router has for the model *name*, the first to try first.

        For `choose_targets`: any of them may be put among the candidates.

        Raises:
            ModelNotFound: Nobody has such a model, or several providers have it.
            UnsupportedOperation: Somebody has, but not for this operation.
        """
        return self._relayed("targets", "choose_targets").targets(self, name)

    def offers(self, name: str) -> Sequence[Target]:
        """
        Return a target of every provider that is known to have the model *name* itself.

        Names of the settings are not looked up; where nobody has it, nothing is returned.
        """
        return self._relayed("offers", "choose_targets").offers(self, name)

    def forward(self) -> Flight:
        """
        Run what lies inside the calling plugin as a `Flight` that outlives this caller.

        For `pre_request` only.  The flight tries the targets, with their `before_attempt`,
        and lives while anybody waits for it.
        """
        return self._relayed("forward", "pre_request").forward(self)

    async def join(
        self, flight: Flight, *, charge: Callable[[int], int] | None = None
    ) -> Answer:
        """
        Follow *flight*: authorise and record this exchange against its target.

        Args:
            charge: Tells what the caller is charged, in nano-USD, from what the flight costs;
                left out, nothing.  Who leaves before that is known is not charged.

        Returns:
            The answer to return from `pre_request`, with chunk views of its own.

        Raises:
            Refused: if this exchange may not use the flight's target, or cannot pay.
        """
        return await self._relayed("join", "pre_request").join(self, flight, charge)

    async def answered_by(self, target: Target, *, charge_nano: int = 0) -> None:
        """
        Put down that this exchange is answered by what *target* said some other time.

        For `pre_request` only, of a plugin that keeps answers.  An attempt with ``joined`` set is
        authorised and recorded.  It counts as answered once the plugin returns the answer; where
        it does not after all, it was not sent, and costs nothing.

        Args:
            charge_nano: What the caller is charged for it, in nano-USD: plugins that keep budgets
                hold it before this returns, and settle it as what an attempt cost.

        Raises:
            Refused: if this exchange may not use *target*, or cannot pay.
        """
        relay = self._relayed("answered_by", "pre_request")
        await relay.answered_by(self, target, charge_nano)

    def _relayed(self, name: str, hook: str) -> Forwarder:
        if self.forwarder is None:
            msg = f"{name}() is for {hook} of an exchange that the gateway relays"
            raise RuntimeError(msg)
        return self.forwarder


class Forwarder:
    """
    The relay, as far as an exchange may know it.
    """

    def goes_straight(self, exchange: Exchange) -> bool:
        """
        See `Exchange.goes_straight`.
        """
        raise NotImplementedError

    def targets(self, exchange: Exchange, name: str) -> Sequence[Target]:
        """
        See `Exchange.targets`.
        """
        raise NotImplementedError

    def offers(self, exchange: Exchange, name: str) -> Sequence[Target]:
        """
        See `Exchange.offers`.
        """
        raise NotImplementedError

    def forward(self, exchange: Exchange) -> Flight:
        """
        See `Exchange.forward`.
        """
        raise NotImplementedError

    async def join(
        self,
        exchange: Exchange,
        flight: Flight,
        charge_of: Callable[[int], int] | None,
    ) -> Answer:
        """
        See `Exchange.join`.
        """
        raise NotImplementedError

    async def answered_by(
        self, exchange: Exchange, target: Target, charge_nano: int
    ) -> None:
        """
        See `Exchange.answered_by`.
        """
        raise NotImplementedError
