"""
Entries: an answer as a provider gave it, and how it is written down.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import attrs

from gateway import Answer, Chunk, Dialect, Response, codec
from gateway_caching.sealing import Sealer

__all__ = ["Entry", "EntryUnreadable"]

#: Of this file's form; others are no entries.
_VERSION: Final = 3
_LEVEL: Final = 1
#: Bytes that an entry may have when it is unpacked.
MAX_BYTES: Final = 64 * 1024 * 1024


class EntryUnreadable(ValueError):
    """
    The bytes are no entry, or none that can be opened here.
    """


@attrs.frozen(kw_only=True)
class Source:
    """
    Who gave an answer, so that who gets it again can be asked whether they may.
    """

    provider: str
    model: str
    dialect: str
    key: str | None = None


@attrs.frozen(kw_only=True)
class Entry:
    """
    One answer, before any output guardrail.

    Attributes:
        frames: The events of a stream, in the callers' dialect; none of a whole answer.
        body: A whole answer; empty of a stream.
        delivery: How its first caller asked for it: ``stream_options``, and for repeats the hash of
            the request.
        created_at: Unix seconds.
        expires_at: Likewise.
        cost_nano: What it cost, in nano-USD; 0 where that is not known.
        tokens: Input and output tokens that it took.
        tags: Words of the operator's, for purging.
        edits: What was edited for who answered, see `Keys.edits`.
        losses: What who answered could not be told, as ``x-gw-translation`` says it.
    """

    dialect: str
    source: Source
    created_at: float
    expires_at: float
    frames: Sequence[bytes] = ()
    body: bytes = b""
    headers: Mapping[str, str] = attrs.field(factory=dict)
    delivery: Mapping[str, Any] = attrs.field(factory=dict)
    cost_nano: int = 0
    tokens: tuple[int, int] = (0, 0)
    tags: tuple[str, ...] = ()
    edits: str = ""
    losses: str = ""

    @property
    def is_stream(self) -> bool:
        """
        Whether it came as a stream.
        """
        return bool(self.frames)

    def answer(self, dialect: Dialect) -> Answer:
        """
        Give it again, in views of its own.
        """
        if self.is_stream:
            return Answer(chunks=_replayed(dialect, self.frames))
        return Answer(response=Response(dialect, self.body, headers=dict(self.headers)))

    # --- bytes ------------------------------------------------------------------------------

    def pack(self, sealer: Sealer) -> bytes:
        """
        Write it down, compressed, and sealed where the operator wants that.
        """
        head = {
            "v": _VERSION,
            "dialect": self.dialect,
            "source": attrs.asdict(self.source),
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "headers": dict(self.headers),
            "delivery": dict(self.delivery),
            "cost_nano": self.cost_nano,
            "tokens": list(self.tokens),
            "tags": list(self.tags),
            "edits": self.edits,
            "losses": self.losses,
            "lengths": [len(frame) for frame in self.frames],
        }
        said = b"".join(self.frames) if self.is_stream else self.body
        raw = codec.dumps(head)
        plain = len(raw).to_bytes(4) + raw + said
        return sealer.seal(zlib.compress(plain, _LEVEL))

    @classmethod
    def unpack(cls, packed: bytes, sealer: Sealer) -> Entry:
        """
        Read what `pack` wrote.

        Raises:
            EntryUnreadable: It is none; a store may hold anything.
        """
        try:
            opened = zlib.decompressobj()
            plain = opened.decompress(sealer.open(packed), MAX_BYTES)
            if opened.unconsumed_tail or not opened.eof:
                msg = "too large, or broken off"
                raise EntryUnreadable(msg)
            length = int.from_bytes(plain[:4])
            head = codec.loads(plain[4 : 4 + length])
            if head["v"] != _VERSION:
                msg = "of another release"
                raise EntryUnreadable(msg)
            return cls._read(head, plain[4 + length :])
        except EntryUnreadable:
            raise
        except Exception as exc:  # noqa: BLE001 - a store may hold anything
            msg = f"no entry: {type(exc).__name__}"
            raise EntryUnreadable(msg) from None

    @classmethod
    def _read(cls, head: Mapping[str, Any], said: bytes) -> Entry:
        frames, at = [], 0
        for length in head["lengths"]:
            frames.append(said[at : at + length])
            at += length
        if frames and at != len(said):
            msg = "its events do not add up"
            raise EntryUnreadable(msg)
        return cls(
            dialect=head["dialect"],
            source=Source(**head["source"]),
            created_at=head["created_at"],
            expires_at=head["expires_at"],
            frames=tuple(frames),
            body=b"" if frames else said,
            headers=head["headers"],
            delivery=head["delivery"],
            cost_nano=head["cost_nano"],
            tokens=(head["tokens"][0], head["tokens"][1]),
            tags=tuple(head["tags"]),
            edits=head["edits"],
            losses=head["losses"],
        )


async def _replayed(dialect: Dialect, frames: Sequence[bytes]) -> AsyncIterator[Chunk]:
    for frame in frames:
        yield Chunk(dialect, frame)
