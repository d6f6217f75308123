"""
Where one exchange's answer goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping


class Sink(Protocol):
    """
    Takes one answer: `whole` once, or `start`, any number of `write` and `end`.

    Every method but `try_write` raises ``ConnectionError`` if the caller has left.

    Attributes:
        writes_at_once: `try_write` may be worth trying.
    """

    @property
    def writes_at_once(self) -> bool: ...  # noqa: D102 - told above

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """
        Take a whole answer.
        """

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """
        Take the head of a stream; the status is then committed.
        """

    async def write(self, data: bytes) -> None:
        """
        Take whole frames; waits while the caller is slow.
        """

    def try_write(self, data: bytes) -> bool:
        """
        Take whole frames, as `write` does, if nothing has to be waited for.

        Returns:
            Whether they were taken; not if the caller is slow or has left, which `write` tells.
        """

    async def end(self, last: bytes = b"") -> None:
        """
        Take the *last* frames, and note that the stream is over.
        """


@attrs.define(eq=False)
class MemorySink:
    """
    Keeps the answer, for nested calls, embedding and tests.

    Attributes:
        writes: What each `write` brought; *body* is all of it.
    """

    status: int = 0
    headers: Mapping[str, str] = attrs.field(factory=dict)
    writes: list[bytes] = attrs.field(factory=list)
    is_stream: bool = False
    has_ended: bool = False
    writes_at_once: ClassVar[bool] = False

    @property
    def body(self) -> bytes:
        """
        Everything that was written.
        """
        return b"".join(self.writes)

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """
        Keep a whole answer.
        """
        self.status = status
        self.headers = headers
        self.writes.append(body)
        self.has_ended = True

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """
        Keep the head of a stream.
        """
        self.status = status
        self.headers = headers
        self.is_stream = True

    async def write(self, data: bytes) -> None:
        """
        Keep *data*.
        """
        self.writes.append(data)

    def try_write(self, data: bytes) -> bool:
        """
        Take nothing: `write` keeps it.
        """
        return False

    async def end(self, last: bytes = b"") -> None:
        """
        Keep *last* and note that the stream is over.
        """
        if last:
            self.writes.append(last)
        self.has_ended = True
