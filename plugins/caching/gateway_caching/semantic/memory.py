"""
Questions in this process's memory.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

import attrs
import numpy as np

from gateway.clock import Clock
from gateway_caching.semantic.source import Changes, Kept

__all__ = ["MemorySource"]

#: What is remembered of changes that nobody asks for.
_NEWS: Final = 64


@attrs.define(eq=False)
class _Group:
    members: dict[str, Kept] = attrs.field(factory=dict)
    put: list[str] = attrs.field(factory=list)
    gone: list[str] = attrs.field(factory=list)


@attrs.define(eq=False)
class MemorySource:
    """
    Keeps questions for the one who follows it.

    Args:
        max_entries: How many in one partition.
    """

    max_entries: int
    clock: Clock
    _groups: dict[str, _Group] = attrs.field(factory=dict, init=False)
    _kept: dict[str, Kept] = attrs.field(factory=dict, init=False)
    #: Names of each partition, the oldest first.
    _partitions: dict[str, OrderedDict[str, None]] = attrs.field(
        factory=dict, init=False
    )

    def changes(self, group: str, cursor: object) -> Changes:
        """
        See `Source.changes`.
        """
        found = self._groups.get(group)
        if found is None:
            return Changes(put=(), is_whole=True)
        put, gone = found.put, found.gone
        found.put, found.gone = [], []
        is_whole = cursor is not found
        if is_whole:
            put, gone = list(found.members), []
        came = [
            found.members[name] for name in dict.fromkeys(put) if name in found.members
        ]
        return Changes(
            put=[([each.exact], each.vector[np.newaxis]) for each in came],
            gone=gone,
            is_whole=is_whole,
            cursor=found,
        )

    def texts(self, names: Sequence[str]) -> Mapping[str, str]:
        """
        See `Source.texts`.
        """
        now = self.clock.now()
        known = (self._kept[name] for name in names if name in self._kept)
        return {each.exact: each.text for each in known if each.expires_at > now}

    def keep(self, kept: Kept) -> None:
        """
        See `Source.keep`.
        """
        self.forget([kept.exact])
        of_partition = self._partitions.setdefault(kept.partition, OrderedDict())
        while len(of_partition) >= self.max_entries:
            self.forget([next(iter(of_partition))])
        of_partition = self._partitions.setdefault(kept.partition, OrderedDict())
        of_partition[kept.exact] = None
        self._kept[kept.exact] = kept
        group = self._groups.setdefault(kept.group, _Group())
        group.members[kept.exact] = kept
        group.put.append(kept.exact)
        if len(group.put) + len(group.gone) > 2 * len(group.members) + _NEWS:
            # Nobody follows it: who comes to will read it whole.
            self._groups[kept.group] = _Group(members=group.members)

    def forget(self, names: Sequence[str]) -> None:
        """
        See `Source.forget`.
        """
        for name in names:
            kept = self._kept.pop(name, None)
            if kept is None:
                continue
            of_partition = self._partitions[kept.partition]
            del of_partition[name]
            if not of_partition:
                del self._partitions[kept.partition]
            group = self._groups[kept.group]
            del group.members[name]
            group.gone.append(name)
            if not group.members:
                del self._groups[kept.group]

    def close(self) -> None:
        """
        Forget everything.
        """
        self._groups.clear()
        self._kept.clear()
        self._partitions.clear()
