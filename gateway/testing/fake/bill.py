"""
What a fake upstream was asked, and what it charges for it.
"""

from __future__ import annotations

import collections
from collections.abc import Sequence
from typing import Any, Generic, TypeVar, overload

import attrs
import orjson
from multidict import CIMultiDictProxy

__all__ = ["Bill", "Charge", "Departure", "Record", "SeenRequest", "Sums"]

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class SeenRequest:
    """
    One request as it arrived, to the byte.
    """

    id: str
    method: str
    path: str  # with its query
    headers: CIMultiDictProxy[str]
    body: bytes = attrs.field(repr=False)
    at: float  # monotonic seconds

    @property
    def json(self) -> Any:
        """
        The body as JSON, read anew each time.
        """
        return orjson.loads(self.body)


@attrs.frozen(kw_only=True)
class Charge:
    """
    What one request costs whoever sent it.

    *input_tokens* is all of the input, *cached_tokens* and *cache_write_tokens*
    are parts of it.  *output_tokens* is what was generated, whether or not anybody
    still read it.
    """

    model: str
    operation: str
    request_id: str
    status: int
    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    events_sent: int = 0
    finished: bool = False  # the answer went out to its last byte
    client_left: bool = False  # and the caller went before that
    at: float = 0.0  # monotonic seconds


@attrs.frozen(kw_only=True)
class Departure:
    """
    A caller that closed the connection before its answer was finished.
    """

    request_id: str
    at: float  # monotonic seconds
    events_sent: int


@attrs.define
class Sums:
    """
    The bill in four figures, of every charge there ever was.
    """

    count: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0

    def add(self, charge: Charge, times: int = 1) -> None:
        """
        Add *charge*, or with minus one take it back.
        """
        self.count += times
        self.input_tokens += times * charge.input_tokens
        self.cached_tokens += times * charge.cached_tokens
        self.output_tokens += times * charge.output_tokens


class Record(Sequence[T], Generic[T]):
    """
    A list to read; whoever owns *entries* adds to them and forgets the oldest.
    """

    def __init__(self, entries: collections.deque[T]) -> None:
        self._entries = entries

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        if isinstance(index, slice):
            return tuple(self._entries)[index]
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self._entries)!r})"


class Bill(Record[Charge]):
    """
    Every charge, and sums that also know the charges which were forgotten.

    A charge is on the bill before the last byte of its answer goes out: whoever
    has read an answer finds it here.
    """

    def __init__(self, entries: collections.deque[Charge], sums: Sums) -> None:
        super().__init__(entries)
        self._sums = sums

    @property
    def charges_made(self) -> int:
        """
        How many charges there ever were.
        """
        return self._sums.count

    @property
    def input_tokens(self) -> int:
        """
        All input tokens ever charged.
        """
        return self._sums.input_tokens

    @property
    def cached_tokens(self) -> int:
        """
        The cached part of `input_tokens`.
        """
        return self._sums.cached_tokens

    @property
    def output_tokens(self) -> int:
        """
        All output tokens ever charged.
        """
        return self._sums.output_tokens

    def by_model(self) -> dict[str, tuple[int, int]]:
        """
        Sum the remembered charges: input and output tokens of each model.
        """
        found: dict[str, tuple[int, int]] = {}
        for charge in self:
            spent_in, spent_out = found.get(charge.model, (0, 0))
            found[charge.model] = (
                spent_in + charge.input_tokens,
                spent_out + charge.output_tokens,
            )
        return found
