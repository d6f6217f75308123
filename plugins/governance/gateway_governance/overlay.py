"""
Large mappings that hardly change: a copy with a few entries changed costs those few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Generic, TypeVar, cast

K = TypeVar("K")
V = TypeVar("V")

#: So many entries may differ before all are copied once.
MAX_OVER: Final = 1_024

_GONE: Final[Any] = object()


class Overlay(Mapping[K, V], Generic[K, V]):
    """
    A mapping that never changes: a large dict that copies share, and what differs from it.
    """

    __slots__ = ("_base", "_length", "_over")

    def __init__(self, entries: dict[K, V]) -> None:
        self._base = entries
        self._over: dict[K, V] = {}
        self._length = len(entries)

    def changed(self, changes: Mapping[K, V | None]) -> Overlay[K, V]:
        """
        Return a copy in which *changes* hold; what is None there is taken out.
        """
        if not changes:
            return self
        over = dict(self._over)
        length = self._length
        for key, value in changes.items():
            length += (value is not None) - (key in self)
            over[key] = _GONE if value is None else value
        if len(over) > MAX_OVER:
            merged = {**self._base, **over}
            for key in [key for key, value in over.items() if value is _GONE]:
                del merged[key]
            return Overlay(merged)
        copy: Overlay[K, V] = Overlay(self._base)
        copy._over = over
        copy._length = length
        return copy

    def get(self, key: Any, default: Any = None) -> Any:
        """
        Return what *key* has, or *default*.
        """
        if self._over:
            value = self._over.get(key)
            if value is not None:
                return default if value is _GONE else value
        return self._base.get(key, default)

    def __getitem__(self, key: K) -> V:
        value = self.get(key, _GONE)
        if value is _GONE:
            raise KeyError(key)
        return cast("V", value)

    def __contains__(self, key: object) -> bool:
        return self.get(key, _GONE) is not _GONE

    def __iter__(self) -> Iterator[K]:
        over = self._over
        for key in self._base:
            if over.get(key) is not _GONE:
                yield key
        for key, value in over.items():
            if value is not _GONE and key not in self._base:
                yield key

    def __len__(self) -> int:
        return self._length
