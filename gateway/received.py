"""
One provider's stream, from its reads to the outlet.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from gateway.errors import UpstreamError, UpstreamOverloaded
from gateway.exchange import Outcome
from gateway.sse import Frames, FrameTooLarge, has_any, marked
from gateway.usage import credible
from gateway.views import Chunk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from gateway.dialects import Dialect
    from gateway.exchange import Attempt, Exchange
    from gateway.hooks import Hooks, OpenTap
    from gateway.outcomes import Fault
    from gateway.outlets import Outlet
    from gateway.translation import Translation
    from gateway.upstream import Reply

#: What a reader raises over a document that is not what the vendor documents.
UNREADABLE: Final = (ValueError, LookupError, TypeError, AttributeError)


#: How long a provider may take to close a stream that has ended.
_LINGER_S: Final = 0.2


def unreadable() -> UpstreamError:
    """
    Make the error for an answer that is not what the vendor documents.
    """
    return UpstreamError("the provider's answer could not be read")


def failed(
    provider: str, fault: Fault, *, status: int, retry_after_s: float | None = None
) -> UpstreamError:
    """
    Make the error for a provider that answered with *fault*, which the caller may have to hear.
    """
    overload = fault.kind == "overloaded"
    return (UpstreamOverloaded if overload else UpstreamError)(
        provider=provider,
        upstream_status=status,
        retry_after_s=retry_after_s,
        details={"fault": fault},
    )


class ReceivedStream:
    """
    Reads the facts of a provider's stream, shows it to the taps, translates it.

    While nobody looks into the chunks, frames go on as they came, and only those that may say
    what was used are parsed.  Taps that want frames do not look into them.

    Args:
        committed: Called once, when the first of the stream got out.
    """

    def __init__(
        self,
        exchange: Exchange,
        attempt: Attempt,
        dialect: Dialect,
        translation: Translation | None,
        hooks: Hooks,
        committed: Callable[[], None],
    ) -> None:
        self._committed: Callable[[], None] | None = committed
        self._exchange = exchange
        self._attempt = attempt
        self._dialect = dialect
        self._translation = translation
        self._hooks = hooks
        self._facts = dialect.facts()
        self._tells = self._facts.tells if self._facts is not None else ()
        self._taps: list[OpenTap] = []
        self._frame_taps: list[OpenTap] = []
        #: Whether what is to be passed on was looked at by `_push`.
        self._are_seen = False
        self._hides_usage = False
        self._has_ended = False

    async def pump(self, reply: Reply, outlet: Outlet, *, hides_usage: bool) -> None:
        """
        Bring the whole stream to *outlet*, except its end.

        Raises:
            UpstreamError: if it breaks, reports an error, or ends before it is finished.
        """
        self._hides_usage = hides_usage
        outcome = Outcome.LEFT
        if self._hooks.has_taps:
            self._open_taps()
        try:
            await outlet.begin(self._attempt)
            if self._translation is not None:
                self._translation.begin()
            await self._read(reply, outlet)
            outcome = Outcome.FINISHED
        except Exception:
            outcome = Outcome.FAILED
            raise
        finally:
            self._take_facts()
            for tap in (*self._taps, *self._frame_taps):
                tap.close(outcome)

    def _open_taps(self) -> None:
        for tap in self._hooks.open_taps(self._exchange, self._attempt):
            wants_frames = tap.tap.wants_frames
            (self._frame_taps if wants_frames else self._taps).append(tap)

    async def _read(self, reply: Reply, outlet: Outlet) -> None:
        frames = Frames()
        attempt = self._attempt
        try:
            reads = reply.reads()
            async for data in reads:
                attempt.bytes_received += len(data)
                got = frames.feed(data)
                if got:
                    await self._pass_on(got, outlet)
                    if self._committed is not None and outlet.is_committed:
                        self._committed()
                        self._committed = None
                while self._may_push(reply, outlet):
                    left = await reply.push(self._push(frames, outlet))
                    if left is None:
                        break
                    await self._pass_on(left, outlet)
                if self._has_ended:
                    await _see_off(reads)
                    return
            got = frames.finish()
            if got:
                await self._pass_on(got, outlet)
        except FrameTooLarge as exc:
            msg = f"the provider's stream cannot be read: {exc}"
            raise UpstreamError(msg) from exc
        if not self._has_ended and not self._stopped:
            msg = "the provider's stream ended before it was finished"
            raise UpstreamError(msg)
        if not self._has_ended and self._dialect.done:
            await self._pass_on([self._dialect.done], outlet)

    def _may_push(self, reply: Reply, outlet: Outlet) -> bool:
        """
        Tell whether frames can go on as they come, with nobody to look at them.
        """
        return bool(
            self._committed is None
            and not self._has_ended
            and self._translation is None
            and not self._taps
            and self._dialect.terminal_marks
            and reply.pushes
            and outlet.passes_at_once
        )

    def _push(
        self, frames: Frames, outlet: Outlet
    ) -> Callable[[bytes], Sequence[bytes] | None]:
        """
        Make what passes a read on at once, or returns the frames for `_pass_on`.
        """
        exchange, attempt, dialect = self._exchange, self._attempt, self._dialect
        ends = dialect.terminal_marks
        tells = tuple(tell for tell in self._tells if tell not in ends)
        taps = self._frame_taps
        pass_at_once = outlet.pass_at_once

        def push(read: bytes) -> Sequence[bytes] | None:
            attempt.bytes_received += len(read)
            got: Sequence[bytes] = frames.feed(read)
            if not got:
                return None
            data = got[0] if len(got) == 1 else b"".join(got)
            if has_any(data, ends):
                return got
            for tap in taps:
                tap.see_frames(exchange, got, dialect)
            if has_any(data, tells):
                got = self._glance(got, data)
                data = b"".join(got)
            if not data or pass_at_once(got, data):
                return None
            self._are_seen = True
            return got

        return push

    @property
    def _stopped(self) -> bool:
        return self._facts is not None and self._facts.stop is not None

    async def _pass_on(self, frames: Sequence[bytes], outlet: Outlet) -> None:
        attempt = self._attempt
        if attempt.first_event_at is None:
            attempt.first_event_at = self._exchange.clock.monotonic()
        if self._are_seen:
            self._are_seen = False
            await outlet.frames(frames)
            return
        dialect = self._dialect
        data = frames[0] if len(frames) == 1 else b"".join(frames)
        end = dialect.end_in(frames, data)
        if end is not None:
            self._has_ended = True
            if self._translation is not None:  # nothing can be said behind it
                frames = frames[: end + 1]
        for tap in self._frame_taps:
            tap.see_frames(self._exchange, frames, dialect)
        if self._translation is None and not self._taps and not outlet.wants_chunks:
            await outlet.frames(self._glance(frames, data))
            return
        chunks = self._look([Chunk(dialect, frame) for frame in frames])
        if chunks:
            await outlet.chunks(chunks)

    def _glance(self, frames: Sequence[bytes], data: bytes) -> Sequence[bytes]:
        """
        Read the facts by byte tests; drop what the caller did not ask for.
        """
        facts = self._facts
        if facts is None:
            return frames
        telling = [frames[at] for at in marked(frames, data, self._tells)]
        if not telling:
            return frames
        hidden = []
        try:
            for frame in telling:
                chunk = Chunk(self._dialect, frame)
                facts.read(chunk)
                if self._hides_usage and self._dialect.is_usage_only(chunk):
                    hidden.append(frame)
        except UNREADABLE as exc:
            raise unreadable() from exc
        self._check_fault()
        if not hidden:
            return frames
        return [frame for frame in frames if frame not in hidden]

    def _look(self, chunks: Sequence[Chunk]) -> Sequence[Chunk]:
        """
        Parse the chunks, show them to the taps, read the facts, translate.

        Comments and unknown fields of a frame, which no view shows, go no further.
        """
        facts = self._facts
        chunks = [chunk for chunk in chunks if chunk.data or chunk.event]
        try:
            for chunk in chunks:
                chunk.doc  # noqa: B018 - a document that cannot be read is no plugin's fault
                if chunk.has_more_lines:
                    chunk.strip()
        except UNREADABLE as exc:
            raise unreadable() from exc
        for tap in self._taps:
            tap.see(self._exchange, chunks)
        try:
            if facts is not None:
                for chunk in chunks:
                    facts.read(chunk)
            if self._translation is not None:
                translated = self._translation.chunks(chunks)
        except UNREADABLE as exc:
            raise unreadable() from exc
        self._check_fault()
        if self._translation is not None:
            return translated
        if self._hides_usage:
            is_usage_only = self._dialect.is_usage_only
            return [chunk for chunk in chunks if not is_usage_only(chunk)]
        return chunks

    def _check_fault(self) -> None:
        fault = self._facts.fault if self._facts is not None else None
        if fault is not None:
            provider = self._attempt.target.provider
            raise failed(provider, fault, status=fault.status)

    def _take_facts(self) -> None:
        if self._facts is not None:
            self._attempt.usage = credible(self._facts.usage)
            self._attempt.stop = self._facts.stop


async def _see_off(reads: AsyncIterator[bytes]) -> None:
    """
    Wait a moment for the end of what comes behind a stream's last event, which is nothing.

    Its connection can then be used again.  Who keeps it open, or goes on talking, keeps no caller
    waiting, and turns no whole answer into a broken one.
    """
    with contextlib.suppress(TimeoutError, UpstreamError):
        async with asyncio.timeout(_LINGER_S):
            async for _ in reads:
                pass
