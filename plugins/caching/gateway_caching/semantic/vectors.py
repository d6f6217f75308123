"""
Searching for similar questions, in a thread of its own.

One thread for all of it: what it holds needs no locks, and the event loop goes on meanwhile, for
numpy and SQLite let go of the interpreter while they work.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import attrs

from gateway_caching.semantic.matrix import Matrix, Vector
from gateway_caching.semantic.source import Changes, Kept, Source

__all__ = ["Near", "Vectors", "VectorsDown"]

T = TypeVar("T")

#: Searches that may wait for the thread; who comes then has a miss.
_MOST_WAITING: Final = 32
#: Of the nearest, how many are looked at one by one, and how many at a time.
_LOOKED_AT: Final = 512
_AT_A_TIME: Final = 32


class VectorsDown(Exception):
    """
    There is no answer, or not in time; for whoever asked it is a miss.
    """


@attrs.frozen(kw_only=True)
class Near:
    """
    A question that is near another.

    Attributes:
        exact: What its answer is kept under.
        similarity: The cosine of their vectors.
    """

    exact: str
    similarity: float


@attrs.define
class _Group:
    matrix: Matrix | None = None
    cursor: object = None


@attrs.define(eq=False, kw_only=True)
class Vectors:
    """
    The questions that were answered, by their vectors.

    Args:
        max_bytes: What the vectors may take of this process's memory; groups that were not
            searched for longest go first, and are read again when they are.
        timeout_s: How long anybody waits.
    """

    source: Source
    max_bytes: int
    timeout_s: float
    _groups: OrderedDict[str, _Group] = attrs.field(factory=OrderedDict, init=False)
    _thread: ThreadPoolExecutor = attrs.field(init=False)
    _waiting: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="caching-vectors")

    # --- for the event loop -----------------------------------------------------------------

    async def count(self, group: str) -> int:
        """
        Return how many questions there are in *group*.

        Raises:
            VectorsDown: They cannot be reached.
        """
        return await self._asked(lambda: self._count(group))

    async def nearest(
        self,
        group: str,
        query: Vector,
        *,
        threshold: float,
        limit: int,
        agrees: Callable[[str], bool],
    ) -> Sequence[Near]:
        """
        Find the questions of *group* nearest to *query*, the nearest first.

        Args:
            agrees: Tells of a question's text whether it may be meant; called in the thread.

        Raises:
            VectorsDown: They cannot be reached.
        """
        return await self._asked(
            lambda: self._nearest(group, query, threshold, limit, agrees)
        )

    async def keep(self, kept: Kept) -> None:
        """
        Keep a question.

        Raises:
            VectorsDown: They cannot be reached.
        """
        await self._asked(lambda: self.source.keep(kept))

    def forget(self, exact: str) -> None:
        """
        Let go of a question, soon.
        """
        self._thread.submit(self.source.forget, [exact])

    async def close(self) -> None:
        """
        Finish what waits, then let go.
        """
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self.source.close)
        self._thread.shutdown(wait=True)

    async def _asked(self, work: Callable[[], T]) -> T:
        if self._waiting >= _MOST_WAITING:
            msg = "too many wait"
            raise VectorsDown(msg)
        self._waiting += 1
        asked = asyncio.get_running_loop().run_in_executor(self._thread, work)
        asked.add_done_callback(self._answered)
        try:
            async with asyncio.timeout(self.timeout_s):
                return await asyncio.shield(asked)
        except Exception as exc:
            raise VectorsDown(type(exc).__name__) from exc

    def _answered(self, asked: asyncio.Future[T]) -> None:
        self._waiting -= 1
        if not asked.cancelled():
            asked.exception()

    # --- in the thread ----------------------------------------------------------------------

    def _count(self, name: str) -> int:
        matrix = self._followed(name).matrix
        return 0 if matrix is None else len(matrix)

    def _nearest(
        self,
        name: str,
        query: Vector,
        threshold: float,
        limit: int,
        agrees: Callable[[str], bool],
    ) -> Sequence[Near]:
        matrix = self._followed(name).matrix
        if matrix is None or matrix.dimensions != len(query):
            return ()
        found = matrix.nearest(query, threshold=threshold, limit=_LOOKED_AT)
        near: list[Near] = []
        for at in range(0, len(found), _AT_A_TIME):
            near += self._agreeing(matrix, found[at : at + _AT_A_TIME], agrees)
            if len(near) >= limit:
                break
        return near[:limit]

    def _agreeing(
        self,
        matrix: Matrix,
        found: Sequence[tuple[str, float]],
        agrees: Callable[[str], bool],
    ) -> Iterator[Near]:
        texts = self.source.texts([exact for exact, _ in found])
        for exact, similarity in found:
            text = texts.get(exact)
            if text is None:
                # Expired, or gone where nobody tells of it.
                matrix.drop(exact)
            elif agrees(text):
                yield Near(exact=exact, similarity=similarity)

    def _followed(self, name: str) -> _Group:
        group = self._groups.get(name) or _Group()
        changes = self.source.changes(name, group.cursor)
        try:
            _apply(changes, group)
        except BaseException:
            # Half of it was read.
            self._groups.pop(name, None)
            raise
        if group.matrix is None:
            self._groups.pop(name, None)
            return group
        self._groups[name] = group
        self._groups.move_to_end(name)
        self._let_go()
        return group

    def _let_go(self) -> None:
        held = sum(each.matrix.size for each in self._groups.values() if each.matrix)
        while held > self.max_bytes and len(self._groups) > 1:
            _, group = self._groups.popitem(last=False)
            held -= 0 if group.matrix is None else group.matrix.size


def _apply(changes: Changes, group: _Group) -> None:
    if changes.is_whole:
        group.matrix = None
    elif group.matrix is not None:
        for name in changes.gone:
            group.matrix.drop(name)
    for names, vectors in changes.put:
        dimensions = vectors.shape[1]
        if group.matrix is None:
            group.matrix = Matrix(dimensions)
        # Vectors of another length are of an embedder that changed under its name.
        if group.matrix.dimensions == dimensions:
            group.matrix.put(names, vectors)
    group.cursor = changes.cursor
    if group.matrix is not None and not len(group.matrix):
        group.matrix = None
        group.cursor = None
