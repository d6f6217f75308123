from __future__ import annotations

import asyncio

import pytest

from gateway import Outcome, Plugin, Refused, Tap, hookimpl
from gateway.errors import UpstreamError
from gateway.hooks import Hooks
from gateway.plugins import FoundPlugin, load_plugins
from gateway.received import ReceivedStream
from gateway.settings import settings_from_dict
from gateway.sse import MAX_EVENT_BYTES
from gateway.testing import find_dialect, make_attempt, make_exchange
from gateway.upstream import LocalReply

HELLO = b'data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n'
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
USED = (
    b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,'
    b'"total_tokens":7}}\n\n'
)
DONE = b"data: [DONE]\n\n"


class KeepingOutlet:
    """
    An outlet that keeps what it is brought.
    """

    is_committed = False

    def __init__(self, *, wants_chunks=False):
        self.wants_chunks = wants_chunks
        self.kept = []

    async def begin(self, attempt):
        """
        Note the beginning.
        """
        self.attempt = attempt

    async def frames(self, frames):
        """
        Keep frames.
        """
        self.kept += frames

    async def chunks(self, chunks):
        """
        Keep chunks.
        """
        self.kept += [chunk.encode() for chunk in chunks]


async def pump(*reads, wants_chunks=False, hides_usage=False, plugins=()):
    """
    Pump a stream of *reads* into an outlet; returns the attempt and what was kept.
    """
    found = [FoundPlugin(name=cls.__name__.lower(), cls=cls) for cls in plugins]
    hooks = Hooks(load_plugins(settings_from_dict({}), found))
    exchange = make_exchange()
    attempt = make_attempt(exchange)
    outlet = KeepingOutlet(wants_chunks=wants_chunks)

    async def parts():
        for read in reads:
            yield read

    stream = ReceivedStream(
        exchange, attempt, find_dialect("openai_chat"), None, hooks, lambda: None
    )
    try:
        await stream.pump(LocalReply(200, {}, parts()), outlet, hides_usage=hides_usage)
    except UpstreamError as error:
        return attempt, outlet.kept, error
    return attempt, outlet.kept, None


@pytest.mark.parametrize("looks", [False, True], ids=["frames", "chunks"])
async def test_facts_are_read_either_way(looks):
    """
    Usage and stop are known whether or not anybody looks into the chunks.
    """
    attempt, kept, error = await pump(HELLO, STOP + USED, DONE, wants_chunks=looks)

    assert error is None
    assert attempt.usage.total_output == 4
    assert attempt.stop.reason == "end"
    assert b"".join(kept) == HELLO + STOP + USED + DONE
    assert attempt.bytes_received == len(b"".join(kept))


@pytest.mark.parametrize("looks", [False, True], ids=["frames", "chunks"])
async def test_usage_nobody_asked_for_is_hidden(looks):
    """
    The chunk that only tells the usage goes no further, the usage is known.
    """
    attempt, kept, _ = await pump(
        HELLO, STOP + USED, DONE, wants_chunks=looks, hides_usage=True
    )

    assert b"".join(kept) == HELLO + STOP + DONE
    assert attempt.usage.total_input == 3


@pytest.mark.parametrize(
    ("reads", "complete"),
    [
        ((HELLO, STOP, DONE), True),
        ((HELLO, STOP), True),
        ((HELLO,), False),
        ((HELLO, STOP[:-5]), False),
        ((), False),
    ],
    ids=["done", "stopped-without-done", "cut", "half-a-frame", "empty"],
)
async def test_a_stream_must_be_finished(reads, complete):
    """
    Neither a terminal event nor a stop reason means that the answer was cut short.
    """
    _, kept, error = await pump(*reads)

    assert (error is None) is complete
    if complete:
        assert kept[-1] == DONE


async def test_an_error_in_mid_stream_is_an_error():
    """
    What the provider reports inside its stream is not passed on as text.
    """
    _, kept, error = await pump(
        HELLO, b'data: {"error":{"message":"boom","code":500}}\n\n'
    )

    assert error is not None
    assert kept == [HELLO]


async def test_an_endless_event_is_an_error():
    """
    An event past the limit ends the attempt, not the memory.
    """
    piece = b"x" * (1024 * 1024)

    _, _, error = await pump(b"data: ", *[piece] * (MAX_EVENT_BYTES // len(piece) + 1))

    assert "larger" in str(error)


async def test_what_somebody_must_look_into_must_be_readable():
    """
    A malformed event is the provider's fault where anybody looks.
    """
    _, _, error = await pump(b"data: {broken\n\n", DONE, wants_chunks=True)

    assert error is not None


async def test_taps_see_every_chunk_and_the_end():
    """
    A tap is shown each read and told once how the stream ended.
    """
    seen = []

    class Watch(Tap):
        def see(self, chunks):
            seen.append(len(chunks))

        def close(self, outcome):
            seen.append(outcome)

    class Watching(Plugin):
        @hookimpl
        def open_tap(self, exchange, attempt):
            return Watch()

    await pump(HELLO, STOP + USED, DONE, plugins=[Watching])
    await pump(HELLO, plugins=[Watching])

    assert seen == [1, 2, 1, Outcome.FINISHED, 1, Outcome.FAILED]


@pytest.mark.parametrize("looks", [False, True], ids=["frames", "chunks"])
async def test_a_tap_that_wants_frames_sees_them_as_they_came(looks):
    """
    It is shown all that came, and what nobody else looks into is not parsed for it.
    """
    seen, comment = [], b": ping\n\n"
    broken = b"" if looks else b"data: {broken\n\n"

    class Watch(Tap):
        wants_frames = True

        def see_frames(self, frames, dialect):
            seen.append((b"".join(frames), dialect.name))

        def close(self, outcome):
            seen.append(outcome)

    class Watching(Plugin):
        @hookimpl
        def open_tap(self, exchange, attempt):
            return Watch()

    _, _, error = await pump(
        HELLO + comment + broken,
        STOP + USED,
        DONE,
        wants_chunks=looks,
        plugins=[Watching],
    )

    assert error is None
    assert seen == [
        (HELLO + comment + broken, "openai_chat"),
        (STOP + USED, "openai_chat"),
        (DONE, "openai_chat"),
        Outcome.FINISHED,
    ]


async def test_a_tap_that_wants_frames_may_cut():
    """
    What it refuses ends the stream, before the frames of that read go on.
    """

    class Cut(Tap):
        wants_frames = True

        def see_frames(self, frames, dialect):
            if b"".join(frames) != HELLO:
                raise Refused("enough")

    class Cutting(Plugin):
        @hookimpl
        def open_tap(self, exchange, attempt):
            return Cut()

    with pytest.raises(Refused, match="enough"):
        await pump(HELLO, STOP + USED, DONE, plugins=[Cutting])


class PushingReply:
    """
    A reply that pushes all but its first read.
    """

    pushes = True
    headers: dict[str, str] = {}
    status = 200

    def __init__(self, *reads):
        self.left = list(reads)

    async def reads(self):
        """
        Yield what was not pushed.
        """
        while self.left:
            yield self.left.pop(0)

    async def push(self, take):
        """
        Push until something is handed back.
        """
        while self.left:
            found = take(self.left.pop(0))
            if found is not None:
                return found
        return None

    def close(self):
        """
        Do nothing.
        """


class EagerOutlet(KeepingOutlet):
    """
    An outlet that takes every other read at once.
    """

    is_committed = True
    passes_at_once = True

    def __init__(self):
        super().__init__()
        self.asked = 0
        self.at_once = []

    def pass_at_once(self, frames, data):
        """
        Take frames, every other time.
        """
        self.asked += 1
        if self.asked % 2:
            self.kept += frames
            self.at_once += frames
        return bool(self.asked % 2)


class PassingOutlet(EagerOutlet):
    """
    An outlet that takes every read at once.
    """

    def pass_at_once(self, frames, data):
        """
        Take frames.
        """
        assert data == b"".join(frames) != b""
        self.at_once += frames
        return True


async def push(*reads, outlet, plugins=(), hides_usage=False):
    """
    Push a stream of *reads* into *outlet*; returns the attempt.
    """
    found = [FoundPlugin(name=cls.__name__.lower(), cls=cls) for cls in plugins]
    hooks = Hooks(load_plugins(settings_from_dict({}), found))
    exchange = make_exchange()
    attempt = make_attempt(exchange)
    stream = ReceivedStream(
        exchange, attempt, find_dialect("openai_chat"), None, hooks, lambda: None
    )
    await stream.pump(PushingReply(*reads), outlet, hides_usage=hides_usage)
    return attempt


async def test_what_is_passed_at_once_is_seen_once_and_in_order():
    """
    Some frames are passed on at once, others have to wait: none is lost, shown twice, or late.
    """
    seen = []

    class Seeing(Plugin):
        @hookimpl
        def open_tap(self, exchange, attempt):
            class Frames(Tap):
                wants_frames = True

                def see_frames(self, frames, dialect):
                    seen.extend(frames)

            return Frames()

    outlet = EagerOutlet()
    reads = [HELLO, HELLO[:9], HELLO[9:] + HELLO, HELLO, HELLO, STOP + USED, DONE]

    attempt = await push(*reads, outlet=outlet, plugins=[Seeing])

    assert b"".join(outlet.kept) == b"".join(seen) == b"".join(reads)
    assert outlet.at_once == [HELLO, HELLO, HELLO]
    assert attempt.bytes_received == len(b"".join(reads))
    assert attempt.usage.total_output == 4


async def test_facts_are_read_of_what_is_passed_at_once():
    """
    Usage and stop are known though nobody was woken for them; only the end has to wait.
    """
    outlet = PassingOutlet()

    attempt = await push(
        HELLO, HELLO, STOP, HELLO + USED, USED, DONE, outlet=outlet, hides_usage=True
    )

    assert outlet.at_once == [HELLO, STOP, HELLO]
    assert outlet.kept == [HELLO, DONE]
    assert attempt.stop.reason == "end"
    assert attempt.usage.total_output == 4


async def test_an_error_among_what_is_passed_at_once_is_an_error():
    """
    What the provider reports in mid-stream is raised, and does not reach the caller.
    """
    outlet = PassingOutlet()
    boom = b'data: {"error":{"message":"boom","code":500}}\n\n'

    with pytest.raises(UpstreamError) as caught:
        await push(HELLO, HELLO, boom, HELLO, DONE, outlet=outlet)

    assert caught.value.details["fault"].message == "boom"
    assert outlet.at_once == [HELLO]


async def test_facts_are_read_once_if_the_caller_is_slow(monkeypatch):
    """
    A frame that could not be passed on at once was looked at all the same.
    """
    read = []
    facts = find_dialect("openai_chat").facts().__class__
    real = facts.read

    def counting(self, chunk):
        read.append(chunk.encode())
        real(self, chunk)

    monkeypatch.setattr(facts, "read", counting)
    outlet = EagerOutlet()
    outlet.asked = 1  # the next is refused

    attempt = await push(HELLO, STOP + USED, DONE, outlet=outlet)

    assert outlet.at_once == []
    assert b"".join(outlet.kept) == HELLO + STOP + USED + DONE
    assert read == [STOP, USED, DONE]
    assert attempt.usage.total_output == 4


class EndlessReply(PushingReply):
    """
    A reply whose provider says the same again and again, or nothing, when all was said.
    """

    pushes = False

    def __init__(self, *reads, after=None):
        super().__init__(*reads)
        self.after = after

    async def reads(self):
        """
        Yield what there is to say, and what there is not.
        """
        for read in self.left:
            yield read
        while self.after is not None:
            yield self.after
            await asyncio.sleep(0)
        await asyncio.Event().wait()


@pytest.mark.parametrize("after", [None, HELLO], ids=["silent", "talking"])
async def test_who_does_not_close_a_finished_stream_keeps_nobody_waiting(after):
    """
    The last event is the end, whatever the connection does: no error, nothing more to the caller.
    """
    hooks = Hooks(load_plugins(settings_from_dict({}), []))
    exchange = make_exchange()
    attempt = make_attempt(exchange)
    outlet = KeepingOutlet()
    stream = ReceivedStream(
        exchange, attempt, find_dialect("openai_chat"), None, hooks, lambda: None
    )
    reply = EndlessReply(HELLO, STOP + USED, DONE, after=after)

    async with asyncio.timeout(20):
        await stream.pump(reply, outlet, hides_usage=False)

    assert b"".join(outlet.kept) == HELLO + STOP + USED + DONE
    assert attempt.usage.total_output == 4
    assert attempt.bytes_received == len(HELLO + STOP + USED + DONE)
