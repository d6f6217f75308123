"""
What makes two requests the same: everything that may change the answer, and who asks.

A key is a keyed hash, so that who reads the store learns nothing of what was asked, and nobody
can name an entry without having asked for it.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs
import orjson
from multidict import istr

from gateway import Exchange, codec
from gateway.settings import Settings, settings_as_dict

if TYPE_CHECKING:
    from gateway import Attempt, Request

__all__ = ["FORWARDED", "Key", "Keys", "Partition", "partition_of"]

Partition = str

#: How the answer is brought, not what it is.
DELIVERY: Final = frozenset({"stream", "stream_options"})
#: Headers of a caller that go on to a provider, which may answer otherwise for them.
FORWARDED: Final = tuple(
    map(istr, ("anthropic-version", "anthropic-beta", "openai-beta"))
)
#: In which a caller may bring a provider's credential of its own.
_CREDENTIALS: Final = tuple(map(istr, ("authorization", "x-api-key", "api-key")))
#: What no such credential begins with: keys for a gateway.
_GATEWAY_KEY: Final = re.compile(r"(?:bearer\s+)?sk-(?:gw|bf)-", re.IGNORECASE)
_BYTES: Final = 20
#: Partitions whose hash is remembered.
_REMEMBERED: Final = 10_000
#: Requests whose key is remembered, which takes 330 bytes each, and kinds of them whose hash is
#: begun.
_KNOWN: Final = 4096
_BEGUN: Final = 1024
#: The lengths of four words, so that none runs into the next.
_lengths: Final = struct.Struct(">4Q").pack
#: Of the settings, what may change an answer.
_ANSWERING: Final = ("providers", "models", "routing")


@attrs.frozen(kw_only=True)
class Key:
    """
    What an answer is kept under.

    Attributes:
        partition: Hash of whose it is; in no key of another tenant's.
        exact: Hash of partition, dialect, model and document.
        model: The name that was asked for, for purging.
    """

    partition: str
    exact: str
    model: str


def partition_of(exchange: Exchange, scope: str) -> Partition:
    """
    Name whose answers *exchange* may share; the operator's *scope* decides, no caller does.

    Args:
        scope: ``key``, ``team`` or ``customer``.  Who has no such owner shares with the same
            key alone, and who has no key with the others who have none.
    """
    who = exchange.identity
    if who is None:
        return "anonymous"
    if scope == "customer" and who.customer_id:
        return f"customer {who.customer_id}"
    if scope in {"team", "customer"} and who.team_id:
        return f"team {who.team_id}"
    return f"key {who.key_id}"


class _Hash(Protocol):
    """
    A hash under way, of `hashlib`.
    """

    def copy(self) -> _Hash: ...
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...
    def hexdigest(self) -> str: ...


@attrs.define(eq=False)
class _Snapshot:
    """
    What is known under one snapshot of the settings.

    Attributes:
        version: Hash of what may change an answer.
        takes_credentials: A caller may bring a provider's credential.
        begun: Hashes of what the requests of one tenant have in common, by purpose, partition,
            dialect and operation.
        known: Keys that were made, by the hash of the requests' very bytes.
    """

    settings: Settings | None
    version: bytes
    takes_credentials: bool
    begun: dict[tuple[str, ...], _Hash] = attrs.field(factory=dict, init=False)
    known: dict[bytes, Key] = attrs.field(factory=dict, init=False)

    @classmethod
    def of(cls, settings: Settings) -> _Snapshot:
        return cls(
            settings,
            version=answering_version(settings),
            takes_credentials=takes_credentials(settings),
        )


@attrs.define(eq=False)
class Keys:
    """
    Makes keys.

    Args:
        secret: The key of the hash.
    """

    secret: bytes = attrs.field(repr=False)
    _snapshot: _Snapshot = attrs.field(init=False, repr=False)
    _partitions: dict[str, str] = attrs.field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._snapshot = _Snapshot(None, version=b"", takes_credentials=True)

    def of(
        self,
        exchange: Exchange,
        scope: str,
        *,
        fault_of: Callable[[Request], str | None],
        beside: str = "",
    ) -> Key | str:
        """
        Make the key of *exchange*, or return the fault for which its request has none.

        What is asked again is mostly written as it was, byte for byte.  Such a request is not
        looked over again, nor put in order: with a hash of its bytes, which tells nothing of
        them, that spares 13 of 21 microseconds.

        Args:
            fault_of: Tells of a request, from nothing but the request, why it has no key.
            beside: What else tells requests apart: an operator's namespace, a caller's own.
        """
        partition = self._partition(partition_of(exchange, scope))
        request = exchange.request
        written = self._named("bytes", exchange, partition, beside, request.encode())
        known = self._snapshot.known
        key = known.get(written)
        if key is not None:
            return key
        fault = fault_of(request)
        if fault is not None:
            return fault
        said = canonical(request.members)
        exact = self._named("exact", exchange, partition, beside, said).hex()
        if len(known) >= _KNOWN:
            known.clear()
        key = known[written] = Key(
            partition=partition, exact=exact, model=request.model
        )
        return key

    def owner(self, kind: str, owner_id: str) -> Partition:
        """
        Return the partition of a ``key``, ``team`` or ``customer``, for purging it.
        """
        return self._partition(f"{kind} {owner_id}")

    def tag_of(self, beside: str) -> str:
        """
        Return the tag of requests that a caller tells apart by the word *beside*.
        """
        return f"beside:{self.hashed('beside', beside)}"

    def around(
        self,
        exchange: Exchange,
        partition: str,
        beside: str,
        rest: Mapping[str, Any],
    ) -> str:
        """
        Hash all that `of` does, but for the words that were taken out of the request.

        Args:
            rest: The request without them.
        """
        said = canonical(rest)
        return self._named("around", exchange, partition, beside, said).hex()

    def edits(self, exchange: Exchange, attempt: Attempt) -> str:
        """
        Hash the words that went to the target of *attempt*; "" if they are those of *exchange*.

        A guardrail of one provider's may have put others in their place, by which the answer
        goes, and the key knows nothing of them.
        """
        asked, sent = exchange.request, attempt.request
        if asked.encode() == sent.encode():
            return ""
        words = [text.value for text in sent.texts()]
        if words == [text.value for text in asked.texts()]:
            return ""
        return self.hashed("edits", codec.dumps(words))

    def hashed(self, purpose: str, *parts: str | bytes) -> str:
        """
        Hash *parts*, each with its length, so that none runs into the next.
        """
        return self._begin(purpose, *parts).hexdigest()

    def _begin(self, purpose: str, *parts: str | bytes) -> _Hash:
        framed: list[bytes] = []
        for part in parts:
            raw = part if isinstance(part, bytes) else part.encode("utf-8", "replace")
            framed += (len(raw).to_bytes(8), raw)
        return hashlib.blake2b(
            b"".join(framed),
            key=self.secret,
            digest_size=_BYTES,
            person=purpose.encode()[:16],
        )

    def _partition(self, name: str) -> str:
        known = self._partitions.get(name)
        if known is None:
            if len(self._partitions) >= _REMEMBERED:
                self._partitions.clear()
            known = self._partitions[name] = self.hashed("partition", name)
        return known

    def _named(
        self,
        purpose: str,
        exchange: Exchange,
        partition: str,
        beside: str,
        said: bytes,
    ) -> bytes:
        """
        Hash what is *said*, and all that tells it apart from the same said otherwise.

        What many requests have in common is hashed once; of the callers' own words and
        credentials nothing is kept.
        """
        snapshot = self._snapshot
        if snapshot.settings is not exchange.settings:
            snapshot = self._snapshot = _Snapshot.of(exchange.settings)
        kind = (purpose, partition, exchange.dialect.name, exchange.operation)
        begun = snapshot.begun.get(kind)
        if begun is None:
            if len(snapshot.begun) >= _BEGUN:
                snapshot.begun.clear()
            begun = self._begin(*kind, snapshot.version)
            snapshot.begun[kind] = begun
        told = (
            beside.encode("utf-8", "replace"),
            forwarded(exchange),
            credential(exchange) if snapshot.takes_credentials else b"",
            said,
        )
        whole = begun.copy()
        whole.update(b"".join((_lengths(*map(len, told)), *told)))
        return whole.digest()


def forwarded(exchange: Exchange) -> bytes:
    """
    Return what the headers of *exchange* tell a provider beside the document.
    """
    headers = exchange.headers
    if headers.keys().isdisjoint(FORWARDED):
        return b""
    told = [(name, headers.getall(name)) for name in FORWARDED if name in headers]
    return codec.dumps(told)


def credential(exchange: Exchange) -> bytes:
    """
    Return the provider's credential that the caller of *exchange* may have brought.

    Where a provider takes it, what one of them was answered is nobody else's, whoever the
    gateway takes them for.
    """
    if not takes_credentials(exchange.settings):
        return b""
    headers = exchange.headers
    told = [one for name in _CREDENTIALS for one in headers.getall(name, ())]
    return codec.dumps([one for one in told if not _GATEWAY_KEY.match(one)])


def takes_credentials(settings: Settings) -> bool:
    """
    Tell whether by *settings* a provider takes the credential of whoever asks.
    """
    return any(one.auth == "caller" for one in settings.providers.values())


def answering_version(settings: Settings) -> bytes:
    """
    Hash what of the *settings* may change an answer: providers, models, routing, translation.
    """
    told = settings_as_dict(settings)
    chosen = {name: told.get(name) for name in _ANSWERING}
    chosen["translation"] = settings.server.translation
    raw = orjson.dumps(chosen, option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.sha256(raw).digest()


def canonical(members: Mapping[str, Any]) -> bytes:
    """
    Write a request so that the order of its keys does not matter, and all else does.

    How the answer is brought stays out: a whole answer and a stream of it are one.
    """
    asked = {name: value for name, value in members.items() if name not in DELIVERY}
    try:
        return orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        # Integers beyond 64 bits and lone surrogates, which orjson refuses.
        return codec.dumps(_sorted(asked))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_sorted(one) for one in value]
    return value
