"""
Questions in Redis or Valkey, whose machines follow each other through it.

A question is kept in the hash of its entry, so that it goes with it, whoever lets go of that; a
stream for each group names the entries that came.  The search itself is each worker's own, exact,
and asks for no module of the server.  Source: https://redis.io/docs/latest/commands/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from math import ceil
from typing import Any, Final

import attrs
import numpy as np

from gateway.clock import Clock
from gateway_caching.sealing import Sealer
from gateway_caching.semantic.matrix import Vector
from gateway_caching.semantic.source import Changes, Kept
from gateway_caching.stores.redis import PREFIX

__all__ = ["RedisSource", "connect"]

_STREAMS: Final = "gatewright:questions:"
_FETCHED: Final = 500
_START: Final = b"0-0"


def connect(url: str, password: str | None, timeout_s: float) -> Any:
    """
    Return a client that waits, for the thread of the search.
    """
    return import_module("redis").Redis.from_url(
        url,
        password=password,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
    )


@attrs.define(eq=False)
class RedisSource:
    """
    Keeps questions in the hashes of their entries.

    Args:
        client: See `connect`.
        max_entries: How many a group names.
    """

    client: Any
    max_entries: int
    sealer: Sealer
    clock: Clock

    def changes(self, group: str, cursor: object) -> Changes:
        """
        See `Source.changes`; what went is not told, `texts` leaves it out.
        """
        begun = cursor if isinstance(cursor, bytes) else _START
        with self._told_as_os_errors():
            latest = self.client.xrevrange(_STREAMS + group, count=1)
        last = latest[0][0] if latest else begun
        return Changes(
            put=self._rows(group, begun, last),
            is_whole=cursor is None,
            cursor=last,
        )

    def texts(self, names: Sequence[str]) -> Mapping[str, str]:
        """
        See `Source.texts`.
        """
        now = self.clock.now()
        found = {}
        for name, (text, expires_at) in zip(
            names, self._fields(names, "question", "expires_at"), strict=True
        ):
            if text is not None and expires_at is not None and float(expires_at) > now:
                with suppress(ValueError):
                    found[name] = self.sealer.open(text).decode()
        return found

    def keep(self, kept: Kept) -> None:
        """
        See `Source.keep`.
        """
        left_ms = ceil((kept.expires_at - self.clock.now()) * 1000)
        if left_ms <= 0:
            return
        name, stream = PREFIX + kept.exact, _STREAMS + kept.group
        with self._told_as_os_errors(), self.client.pipeline() as steps:
            steps.watch(name)
            if not steps.exists(name):
                return
            lives_ms = max(left_ms, steps.pttl(stream))
            steps.multi()
            told = {
                "question": self.sealer.seal(kept.text.encode("utf-8", "replace")),
                "vector": self.sealer.seal(kept.vector.astype("<f4").tobytes()),
            }
            steps.hset(name, mapping=told)
            steps.xadd(stream, {"exact": kept.exact}, maxlen=self.max_entries)
            steps.pexpire(stream, lives_ms)
            steps.execute()

    def forget(self, names: Sequence[str]) -> None:
        """
        See `Source.forget`.
        """
        with self._told_as_os_errors():
            steps = self.client.pipeline(transaction=False)
            for name in names:
                steps.hdel(PREFIX + name, "question", "vector")
            steps.execute()

    def close(self) -> None:
        """
        Close the connections.
        """
        self.client.close()

    def _rows(
        self, group: str, after: bytes, last: bytes
    ) -> Iterator[tuple[Sequence[str], Vector]]:
        while after != last:
            with self._told_as_os_errors():
                named = self.client.xrange(
                    _STREAMS + group, b"(" + after, last, count=_FETCHED
                )
            if not named:
                return
            after = named[-1][0]
            exacts = {fields[b"exact"].decode(): None for _, fields in named}
            yield from self._vectors(list(exacts))

    def _vectors(self, names: Sequence[str]) -> Iterator[tuple[Sequence[str], Vector]]:
        for name, (sealed,) in zip(names, self._fields(names, "vector"), strict=True):
            if sealed is not None:
                with suppress(ValueError):
                    vector = np.frombuffer(self.sealer.open(sealed), "<f4")
                    yield [name], vector[np.newaxis]

    def _fields(self, names: Sequence[str], *fields: str) -> list[list[bytes | None]]:
        with self._told_as_os_errors():
            steps = self.client.pipeline(transaction=False)
            for name in names:
                steps.hmget(PREFIX + name, fields)
            found: list[list[bytes | None]] = steps.execute()
        return found

    @contextmanager
    def _told_as_os_errors(self) -> Iterator[None]:
        try:
            yield
        except import_module("redis").RedisError as exc:
            # Without its text, which may name the server.
            raise OSError(type(exc).__name__) from exc
