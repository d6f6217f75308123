"""
Asking the model as well, for some of the hits of similar questions.

So an operator learns how often it would have said something else, and whether the threshold is
too low.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import attrs
import structlog

from gateway import Chunk, Dialect, Exchange, Request, Response
from gateway.tasks import Tasks
from gateway_caching.entries import Entry
from gateway_caching.events import SimilarAnswersDiffered
from gateway_caching.tally import Tally

if TYPE_CHECKING:
    from gateway import Gateway

__all__ = ["Verifier", "likeness"]

log = structlog.get_logger("gateway.caching")

_OK: Final = 200
_TIMEOUT_S: Final = 120.0
_CLOSING_S: Final = 2.0
#: Verifications under way; beyond them a hit is not verified.
_MOST: Final = 4
#: Answers that share less of their words say something else.
_ALIKE: Final = 0.5
_WORD: Final = re.compile(r"\w+")
_MAX_CHARACTERS: Final = 200_000
_SPOKEN: Final = frozenset({"message", "refusal"})


@attrs.define(eq=False, kw_only=True)
class Verifier:
    """
    Verifies a share of the hits, behind the callers' backs.

    Args:
        share: From 0 to 1.
        chance: Draws a number from 0 to 1.
    """

    gateway: Gateway
    share: float
    chance: Callable[[], float]
    tally: Tally
    _tasks: Tasks = attrs.field(factory=Tasks, init=False)

    def consider(self, exchange: Exchange, entry: Entry, similarity: float) -> None:
        """
        Verify that *entry* answers *exchange*, if chance has it so; nobody waits for it.
        """
        if not self.share or self.chance() >= self.share or len(self._tasks) >= _MOST:
            return
        # Taken now: what else the exchange's plugins change is none of the model's business.
        request = _whole(exchange.request)
        work = self._verify(exchange, request, entry, similarity)
        self._tasks.spawn(work, name="verify an answer")

    async def close(self) -> None:
        """
        Let what is under way end, for a little.
        """
        await self._tasks.join(_CLOSING_S)

    async def _verify(
        self, exchange: Exchange, request: Request, entry: Entry, similarity: float
    ) -> None:
        async with asyncio.timeout(_TIMEOUT_S):
            response = await self.gateway.call(request, parent=exchange)
        if response.status != _OK:
            return
        alike = likeness(_said_again(response), _said(entry, exchange.dialect))
        self.tally.verified += 1
        if alike >= _ALIKE:
            return
        self.tally.disagreed += 1
        event = SimilarAnswersDiffered(
            at=self.gateway.clock.now(),
            request_id=exchange.id,
            model=exchange.request.model,
            similarity=round(similarity, 4),
            likeness=round(alike, 4),
        )
        log.info(
            "a similar question has another answer",
            request_id=event.request_id,
            model=event.model,
            similarity=event.similarity,
            likeness=event.likeness,
        )
        self.gateway.publish(event)


def likeness(one: str, other: str) -> float:
    """
    Return the share of their words that two texts have in common, however they are ordered.
    """
    mine, others = (
        Counter(_WORD.findall(text[:_MAX_CHARACTERS].lower())) for text in (one, other)
    )
    total = mine.total() + others.total()
    return 1.0 if not total else 2 * (mine & others).total() / total


def _whole(request: Request) -> Request:
    twin = request.fork()
    twin.doc.pop("stream_options", None)
    twin.doc["stream"] = False
    twin.touch()
    return twin


def _said_again(response: Response) -> str:
    return "".join(text.value for text in response.texts() if text.kind in _SPOKEN)


def _said(entry: Entry, dialect: Dialect) -> str:
    if not entry.is_stream:
        return _said_again(Response(dialect, entry.body))
    return "".join(
        text.value
        for frame in entry.frames
        for text in Chunk(dialect, frame).texts()
        if text.kind in _SPOKEN and text.form == "delta"
    )
