"""
An exact search over unit vectors that looks at few of them whole.

By Cauchy and Schwarz the cosine of two unit vectors is at most the product of their first
coordinates plus the product of the lengths of what is left.  With a quarter of the coordinates that
bound rules out nearly all vectors below a threshold worth having; of the others the cosine is
computed.  So the result is that of comparing with every vector, at a quarter of the memory traffic,
which is what such a search costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs
import numpy as np
from numpy.typing import NDArray

__all__ = ["Matrix", "Vector"]

Vector = NDArray[np.float32]

#: Rows of a block, at the least and at the most.
_FEWEST_ROWS: Final = 8
_ROWS: Final = 4096
#: Vectors that are no longer than this are compared whole.
_SHORT: Final = 64
#: What float32 may be off by.
_SLACK: Final = 1e-5
#: Length of the rest of a row that is empty: its bound is below every threshold.
_EMPTY: Final = -8.0


@attrs.define(eq=False)
class _Block:
    """
    Rows that are searched at once.

    Attributes:
        bounds: First coordinates of each row, and the length of the others.
        whole: All coordinates of each row.
        names: Of the rows; None is an empty one.
    """

    bounds: Vector
    whole: Vector
    names: list[str | None]


@attrs.define(eq=False)
class Matrix:
    """
    Named unit vectors of one length.

    Not for several threads at once; searching lets other threads run.

    Args:
        dimensions: Of every vector.
    """

    dimensions: int
    _blocks: list[_Block] = attrs.field(factory=list, init=False)
    _places: dict[str, tuple[int, int]] = attrs.field(factory=dict, init=False)
    _free: list[tuple[int, int]] = attrs.field(factory=list, init=False)

    def __len__(self) -> int:
        return len(self._places)

    @property
    def size(self) -> int:
        """
        How many bytes of memory it takes.
        """
        return sum(block.bounds.nbytes + block.whole.nbytes for block in self._blocks)

    @property
    def _head(self) -> int:
        return max(_SHORT, self.dimensions // 4)

    def put(self, names: Sequence[str], vectors: Vector) -> None:
        """
        Keep *vectors*, one a row, each in place of the one of its name; no name comes twice.
        """
        for name in names:
            self.drop(name)
        begun = 0
        while begun < len(names):
            begun += self._put_some(names[begun:], vectors[begun:])

    def drop(self, name: str) -> None:
        """
        Forget the vector of that name, if there is one.
        """
        place = self._places.pop(name, None)
        if place is None:
            return
        at, row = place
        block = self._blocks[at]
        block.names[row] = None
        block.whole[row] = 0.0
        block.bounds[row] = 0.0
        block.bounds[row, -1] = _EMPTY
        self._free.append(place)

    def nearest(
        self, query: Vector, *, threshold: float, limit: int
    ) -> list[tuple[str, float]]:
        """
        Find the names whose vectors have a cosine of *threshold* or more with *query*.

        Returns:
            The *limit* nearest, the nearest first.
        """
        (bound,) = self._bounds(query[np.newaxis])
        least = threshold - _SLACK
        found: list[tuple[str, float]] = []
        for block in self._blocks:
            (rows,) = np.nonzero(_products(block.bounds, bound) >= least)
            if rows.size:
                found += _cosines(block, rows, query, least, limit)
        found.sort(key=lambda each: (-each[1], each[0]))
        return found[:limit]

    def _put_some(self, names: Sequence[str], vectors: Vector) -> int:
        """
        Put as many as there is room for in one block; return how many.
        """
        if not self._free:
            self._grow()
        at = self._free[-1][0]
        rows: list[int] = []
        while self._free and self._free[-1][0] == at and len(rows) < len(names):
            rows.append(self._free.pop()[1])
        block = self._blocks[at]
        block.whole[rows] = vectors[: len(rows)]
        block.bounds[rows] = self._bounds(vectors[: len(rows)])
        for row, name in zip(rows, names, strict=False):
            block.names[row] = name
            self._places[name] = at, row
        return len(rows)

    def _bounds(self, vectors: Vector) -> Vector:
        head, rest = vectors[:, : self._head], vectors[:, self._head :]
        length = np.linalg.norm(rest, axis=1, keepdims=True).astype(np.float32)
        return np.concatenate((head, length), axis=1)

    def _grow(self) -> None:
        # Small at first, for most groups of questions are; then as large as all before it.
        rows = min(max(len(self), _FEWEST_ROWS), _ROWS)
        width = min(self._head, self.dimensions) + 1
        bounds = np.zeros((rows, width), dtype=np.float32)
        bounds[:, -1] = _EMPTY
        whole = np.zeros((rows, self.dimensions), dtype=np.float32)
        at = len(self._blocks)
        self._blocks.append(_Block(bounds, whole, [None] * rows))
        self._free += [(at, row) for row in reversed(range(rows))]


def _cosines(
    block: _Block, rows: NDArray[Any], query: Vector, least: float, limit: int
) -> list[tuple[str, float]]:
    if rows.size > len(block.names) // 4:
        cosines = _products(block.whole, query)[rows]
    else:
        cosines = _products(block.whole[rows], query)
    if rows.size > limit:
        best = np.argpartition(cosines, -limit)[-limit:]
        rows, cosines = rows[best], cosines[best]
    return [
        (name, min(1.0, float(cosine)))
        for row, cosine in zip(rows, cosines, strict=True)
        if cosine >= least and (name := block.names[row]) is not None
    ]


def _products(rows: Vector, query: Vector) -> Vector:
    # Not "@", whose library puts threads on every processor: on a busy machine they wait for
    # each other, which takes a hundred times as long.
    products: Vector = np.einsum("ij,j->i", rows, query)
    return products
