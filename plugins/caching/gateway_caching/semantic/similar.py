"""
Looking for answers to similar questions, and keeping questions to be found.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import attrs
import orjson
import structlog

from gateway import Exchange
from gateway.tasks import Tasks
from gateway_caching.keys import Key, Keys
from gateway_caching.semantic.embedding import Embedding
from gateway_caching.semantic.matrix import Vector
from gateway_caching.semantic.source import Kept
from gateway_caching.semantic.turns import last_turn
from gateway_caching.semantic.vectors import Near, Vectors, VectorsDown
from gateway_caching.semantic.wording import Wording, disagreement, read_wording
from gateway_caching.tally import Tally

__all__ = ["Question", "Similar"]

log = structlog.get_logger("gateway.caching")

_OPERATIONS: Final = frozenset({"generate", "complete"})
#: Similar questions whose answers are tried one after the other.
_TRIED: Final = 8
#: Similar questions that are read word by word.
_READ: Final = 64
#: Vectors between the miss and the answer that is kept.
_FRESH: Final = 256
_CLOSING_S: Final = 2.0


@attrs.frozen(kw_only=True)
class Question:
    """
    A request in which similar words may stand for the last ones.

    Attributes:
        exact: What its own answer is kept under.
        partition: Whose it is.
        group: Hash of everything that must be the same.
        text: The last user turn.
        wording: What decides its meaning.
    """

    exact: str
    partition: str
    group: str
    text: str = attrs.field(repr=False)
    wording: Wording = attrs.field(repr=False)


@attrs.define(eq=False, kw_only=True)
class Similar:
    """
    The semantic cache of one worker, as far as questions go; answers are elsewhere.
    """

    keys: Keys
    embedding: Embedding
    vectors: Vectors
    tally: Tally
    _fresh: OrderedDict[str, Vector] = attrs.field(factory=OrderedDict, init=False)
    _lookups: dict[tuple[str, float], asyncio.Task[Sequence[Near]]] = attrs.field(
        factory=dict, init=False
    )
    _tasks: Tasks = attrs.field(factory=Tasks, init=False)

    def question(self, exchange: Exchange, key: Key, beside: str) -> Question | None:
        """
        Return the question that *exchange* asks; None where no other may stand for it.

        Args:
            key: Of its exact answer.
            beside: See `Keys.of`.
        """
        if exchange.operation not in _OPERATIONS:
            return None
        turn = last_turn(exchange.request)
        wording = None if turn is None else read_wording(turn.text)
        if turn is None or wording is None:
            return None
        around = self.keys.around(exchange, key.partition, beside, turn.rest)
        return Question(
            exact=key.exact,
            partition=key.partition,
            group=self.keys.hashed(
                "similar",
                around,
                self.embedding.space,
                orjson.dumps(wording.signature),
            ),
            text=turn.text,
            wording=wording,
        )

    async def find(
        self, question: Question, exchange: Exchange, threshold: float
    ) -> Sequence[Near]:
        """
        Find the questions that are like *question*, the nearest first; of its group alone.

        Who asks the same meanwhile waits for the same search: many callers at once make one
        embedding, which the first of them pays.
        """
        name = question.exact, threshold
        lookup = self._lookups.get(name)
        if lookup is None:
            work = self._find(question, exchange, threshold)
            lookup = self._tasks.spawn(work, name="look for similar questions")
            self._lookups[name] = lookup
            lookup.add_done_callback(lambda _: self._lookups.pop(name, None))
        return await asyncio.shield(lookup)

    async def keep(
        self, question: Question, exchange: Exchange, expires_at: float
    ) -> None:
        """
        Keep *question*, whose answer is kept, to be found by those that are like it.
        """
        vector = self._fresh.pop(question.exact, None)
        if vector is None:
            vector = await self.embedding.vector(question.text, exchange)
        if vector is None:
            return
        kept = Kept(
            exact=question.exact,
            partition=question.partition,
            group=question.group,
            expires_at=expires_at,
            text=question.text,
            vector=vector,
        )
        try:
            await self.vectors.keep(kept)
        except VectorsDown:
            self.tally.vector_errors += 1

    async def close(self) -> None:
        """
        Let go of everything.
        """
        await self._tasks.join(_CLOSING_S)
        await self.vectors.close()

    async def _find(
        self, question: Question, exchange: Exchange, threshold: float
    ) -> Sequence[Near]:
        try:
            return await self._searched(question, exchange, threshold)
        except VectorsDown:
            self.tally.vector_errors += 1
        except Exception as exc:  # noqa: BLE001 - it is a miss, whatever it is
            self.tally.vector_errors += 1
            log.warning("cannot look for similar questions", why=type(exc).__name__)
        return ()

    async def _searched(
        self, question: Question, exchange: Exchange, threshold: float
    ) -> Sequence[Near]:
        # Nobody is asked for a vector where there is nothing to compare it with.
        if not await self.vectors.count(question.group):
            return ()
        vector = await self.embedding.vector(question.text, exchange)
        if vector is None:
            return ()
        self._fresh[question.exact] = vector
        while len(self._fresh) > _FRESH:
            self._fresh.popitem(last=False)
        return await self.vectors.nearest(
            question.group,
            vector,
            threshold=threshold,
            limit=_TRIED,
            agrees=_Agreeing(question.wording),
        )


@attrs.define
class _Agreeing:
    """
    Tells of texts whether they ask what *wording* asks, for as many as there is time for.
    """

    wording: Wording
    _left: int = attrs.field(default=_READ, init=False)

    def __call__(self, text: str) -> bool:
        lowered = text.lower()
        # Of a thousand questions about as many towns, one is about this one.
        if self._left == 0 or not all(name in lowered for name in self.wording.names):
            return False
        self._left -= 1
        other = read_wording(text)
        return other is not None and disagreement(self.wording, other) is None
