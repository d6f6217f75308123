"""
A plugin that notes every hook call, for tests of order and of how often.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from gateway import (
    Answer,
    Attempt,
    Chunk,
    Exchange,
    Outcome,
    Phase,
    Plugin,
    Response,
    hookimpl,
)
from gateway.filters import StreamFilter
from gateway.taps import Tap

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.events import Event
    from gateway.listing import ModelListing
    from gateway.routing.targets import Target


@attrs.frozen
class HookCall:
    """
    One call of a hook.

    Attributes:
        outcome: What the exchange or the stream had come to, where the hook is told.
    """

    hook: str
    exchange_id: str = ""
    attempt: int = 0
    outcome: Outcome | None = None


class HookRecorder(Plugin):
    """
    Notes every call in `calls`; changes nothing.
    """

    phase: ClassVar[Phase] = Phase.OBSERVE

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.calls: list[HookCall] = []

    def names(self, exchange_id: str | None = None) -> list[str]:
        """
        Return the names of the hooks that were called, in order; of one exchange, or of all.
        """
        return [
            call.hook
            for call in self.calls
            if exchange_id is None or call.exchange_id == exchange_id
        ]

    def _note(
        self,
        hook: str,
        exchange: Exchange | None = None,
        attempt: Attempt | None = None,
        outcome: Outcome | None = None,
    ) -> None:
        self.calls.append(
            HookCall(
                hook,
                exchange.id if exchange else "",
                attempt.number if attempt else 0,
                outcome or (exchange.outcome if exchange else None),
            )
        )

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        """
        Note start and stop.
        """
        self._note("lifespan")
        yield
        self._note("lifespan left")

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Answer | None:
        """
        Note the call.
        """
        self._note("pre_request", exchange)
        return None

    @hookimpl
    def choose_targets(
        self, exchange: Exchange, targets: Sequence[Target]
    ) -> Sequence[Target]:
        """
        Note the call.
        """
        self._note("choose_targets", exchange)
        return targets

    @hookimpl
    async def before_attempt(self, exchange: Exchange, attempt: Attempt) -> None:
        """
        Note the call.
        """
        self._note("before_attempt", exchange, attempt)

    @hookimpl
    def open_tap(self, exchange: Exchange, attempt: Attempt) -> Tap | None:
        """
        Note the call, and how the stream ends.
        """
        self._note("open_tap", exchange, attempt)
        return _NotingTap(self, exchange, attempt)

    @hookimpl
    def open_filter(
        self, exchange: Exchange, attempt: Attempt | None
    ) -> StreamFilter | None:
        """
        Note the call, and how the stream ends.
        """
        self._note("open_filter", exchange, attempt)
        return _NotingFilter(self, exchange)

    @hookimpl
    async def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Chunk | None:
        """
        Note the call.
        """
        self._note("on_stream_chunk", exchange)
        return chunk

    @hookimpl
    async def post_response(
        self, exchange: Exchange, response: Response
    ) -> Response | None:
        """
        Note the call.
        """
        self._note("post_response", exchange)
        return None

    @hookimpl
    async def after_attempt(self, exchange: Exchange, attempt: Attempt) -> None:
        """
        Note the call.
        """
        self._note("after_attempt", exchange, attempt)

    @hookimpl
    async def on_complete(self, exchange: Exchange) -> None:
        """
        Note the call.
        """
        self._note("on_complete", exchange)

    @hookimpl
    async def list_models(
        self, exchange: Exchange, models: Sequence[ModelListing]
    ) -> Sequence[ModelListing]:
        """
        Note the call.
        """
        self._note("list_models", exchange)
        return models

    @hookimpl
    def on_event(self, event: Event) -> None:
        """
        Note the event's class.
        """
        self._note(f"on_event {type(event).__name__}")

    @hookimpl
    async def settle_event(self, event: Event) -> None:
        """
        Note the event's class.
        """
        self._note(f"settle_event {type(event).__name__}")


class _NotingTap(Tap):
    def __init__(
        self, recorder: HookRecorder, exchange: Exchange, attempt: Attempt
    ) -> None:
        self._recorder = recorder
        self._exchange = exchange
        self._attempt = attempt

    def close(self, outcome: Outcome) -> None:
        self._recorder._note("tap closed", self._exchange, self._attempt, outcome)  # noqa: SLF001


class _NotingFilter(StreamFilter):
    def __init__(self, recorder: HookRecorder, exchange: Exchange) -> None:
        self._recorder = recorder
        self._exchange = exchange

    async def close(self, outcome: Outcome) -> None:
        self._recorder._note("filter closed", self._exchange, None, outcome)  # noqa: SLF001
