"""
What was found in texts that were seen before.

A turn of a conversation comes again with each that follows it.  Neither texts nor what was found
in them is kept, only where it stood; texts are known by a keyed hash over the caller, the policy
and the place, so that nobody learns from the time that a request takes what another caller said.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from gateway.detecting import Find, Place
    from gateway_guardrails.inspecting.scanning import Shown

#: For each scan of a plan what it found.
Found = tuple[Sequence["Find"], ...]

_ENTRY_BYTES: Final = 300
_FIND_BYTES: Final = 250
_MAX_PREFIXES: Final = 4096


@attrs.define(eq=False, repr=False)
class FindCache:
    """
    Finds by text, the texts used longest ago forgotten first.

    Args:
        key: Of the hash.
        max_bytes: What it may hold, roughly.
    """

    _key: bytes
    max_bytes: int
    hits: int = 0
    misses: int = 0
    weight: int = 0
    _kept: OrderedDict[bytes, Found] = attrs.field(factory=OrderedDict)
    _prefixes: dict[tuple[bytes, Place], bytes] = attrs.field(factory=dict)

    def __len__(self) -> int:
        return len(self._kept)

    def __repr__(self) -> str:
        return f"<FindCache of {len(self._kept)} texts>"

    def name(self, scope: bytes, place: Place, text: str) -> bytes:
        """
        Return the key of *text* at *place*, for a caller and a policy that are *scope*.
        """
        return _hashed(text, self._key_of(scope, place))

    def names(self, scope: bytes, looks: Sequence[Shown]) -> list[bytes]:
        """
        Return the keys of *looks*, likewise.
        """
        keys: dict[
            int, bytes
        ] = {}  # by identity, for a place is compared by its members
        out = []
        for look in looks:
            place = look.place
            key = keys.get(id(place))
            if key is None:
                key = keys[id(place)] = self._key_of(scope, place)
            out.append(_hashed(look.value, key))
        return out

    def find(self, name: bytes) -> Found | None:
        """
        Return what was found in the text *name*, or None if nobody remembers.
        """
        found = self._kept.get(name)
        if found is None:
            self.misses += 1
            return None
        self.hits += 1
        self._kept.move_to_end(name)
        return found

    def keep(self, name: bytes, found: Found) -> None:
        """
        Remember what was *found* in the text *name*.
        """
        if name in self._kept:
            return
        self._kept[name] = found
        self.weight += _weight(found)
        while self.weight > self.max_bytes:
            _, old = self._kept.popitem(last=False)
            self.weight -= _weight(old)

    def _key_of(self, scope: bytes, place: Place) -> bytes:
        key = self._prefixes.get((scope, place))
        if key is not None:
            return key
        if len(self._prefixes) >= _MAX_PREFIXES:
            self._prefixes.clear()
        told = f"{place.stage}\0{place.role}\0{place.kind}\0".encode("utf-8", "replace")
        key = blake2b(told + scope, key=self._key, digest_size=32).digest()
        self._prefixes[scope, place] = key
        return key


def _hashed(text: str, key: bytes) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")
    return blake2b(raw, key=key, digest_size=16).digest()


def _weight(found: Found) -> int:
    return _ENTRY_BYTES + _FIND_BYTES * sum(map(len, found))
