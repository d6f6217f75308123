"""
How answers are sent: late, in pieces, broken, or well.
"""

from __future__ import annotations

import asyncio
import time

import aiohttp
import orjson
import pytest

from gateway.testing import FakeUpstream, Insert, Script

PIECES = ("one ", "two ", "three €")
CHAT = "/v1/chat/completions"


@pytest.fixture
def stream(fake, http, chat):
    """
    Ask for a stream; returns the response, to be read at leisure.
    """

    def ask(script):
        fake.enqueue(script)
        return http.post(CHAT, json=chat(stream=True))

    return ask


def contents(pairs):
    """
    Join the text of chunks.
    """
    choices = [choice for _, chunk in pairs for choice in chunk.get("choices", ())]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


async def read_until_broken(response):
    """
    Read what comes before the connection ends; returns it, and whether it broke.
    """
    got = b""
    try:
        async for piece in response.content.iter_any():
            got += piece
    except aiohttp.ClientError:
        return got, True
    return got, False


class TestTime:
    async def test_latency_before_the_answer(self, fake, http, chat):
        """
        Nothing comes before its time.
        """
        fake.enqueue(Script(latency_ms=30))

        began = time.monotonic()
        async with http.post(CHAT, json=chat()) as response:
            await response.read()

        assert time.monotonic() - began >= 0.03

    async def test_latency_of_events(self, stream):
        """
        Headers come at once, each event after its time.
        """
        began = time.monotonic()
        async with stream(Script(pieces=PIECES, event_latency_ms=10)) as response:
            headers_after = time.monotonic() - began
            await response.read()

        took = time.monotonic() - began
        assert took >= 0.06  # role, three pieces, finish, [DONE]
        assert headers_after < took


class TestBytes:
    async def test_a_stream_as_one_burst(self, stream, parse):
        """
        The whole stream is in one write.
        """
        async with stream(Script(pieces=PIECES, one_write=True)) as response:
            chunks = [data async for data, _ in response.content.iter_chunks()]

        assert [contents(parse(data)) for data in chunks if data] == ["".join(PIECES)]

    async def test_events_are_written_one_by_one(self, stream):
        """
        Unless scripted otherwise, each event is a write of its own.
        """
        async with stream(Script(pieces=PIECES)) as response:
            chunks = [data async for data, _ in response.content.iter_chunks() if data]

        assert len(chunks) == 6
        assert all(chunk.endswith(b"\n\n") for chunk in chunks)

    @pytest.mark.parametrize("size", [1, 7, 100], ids=str)
    async def test_cuts_anywhere(self, stream, parse, size):
        """
        Writes of n bytes cut frames and characters, and lose nothing.
        """
        async with stream(Script(pieces=PIECES, chunk_bytes=size)) as response:
            chunks = [data async for data, _ in response.content.iter_chunks() if data]

        assert {len(chunk) for chunk in chunks[:-1]} == {size}
        assert contents(parse(b"".join(chunks))) == "".join(PIECES)

    async def test_cuts_whole_answers_too(self, fake, http, chat):
        """
        A document can come in crumbs as well.
        """
        fake.enqueue(Script(chunk_bytes=9))

        async with http.post(CHAT, json=chat("hi")) as response:
            document = orjson.loads(await response.read())

        assert document["choices"][0]["message"]["content"] == "echo: hi"

    @pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=repr)
    async def test_line_ends(self, stream, parse, line_end):
        """
        All three line ends of the specification are spoken, and only the chosen.
        """
        async with stream(Script(pieces=PIECES, line_end=line_end)) as response:
            raw = await response.read()

        assert raw.endswith(b"data: [DONE]" + 2 * line_end.encode())
        assert contents(parse(raw)) == "".join(PIECES)

    async def test_noise_between_events(self, stream, parse):
        """
        Comments, pings, a byte order mark, raw frames and split data hide no event.
        """
        script = Script(
            pieces=PIECES,
            comment_every=2,
            ping_every=3,
            byte_order_mark=True,
            split_data=True,
            inserts=(Insert(2, 'data: {"choices": []}\n\n'),),
        )

        async with stream(script) as response:
            raw = await response.read()

        assert raw.startswith(b"\xef\xbb\xbf: keep-alive\n\n")
        assert b": ping\n\n" in raw
        assert contents(parse(raw)) == "".join(PIECES)

    async def test_gzip(self, fake, http, chat):
        """
        A compressed answer says so and can be read.
        """
        fake.enqueue(Script(gzip=True))

        async with http.post(CHAT, json=chat("hi")) as response:
            document = await response.json()

        assert response.headers["content-encoding"] == "gzip"
        assert document["choices"][0]["message"]["content"] == "echo: hi"

    async def test_a_large_answer_is_whole(self, fake, http, chat):
        """
        An answer larger than a socket's buffer arrives, and is charged.
        """
        fake.enqueue(Script(text="x" * 3_000_000))

        async with http.post(CHAT, json=chat()) as response:
            document = orjson.loads(await response.read())

        assert len(document["choices"][0]["message"]["content"]) == 3_000_000
        assert fake.bill[0].finished


class TestTrouble:
    async def test_breaks_after_so_many_events(self, fake, stream, parse):
        """
        The connection is reset; what came before it arrived.
        """
        async with stream(Script(pieces=PIECES, break_after=3)) as response:
            raw, is_broken = await read_until_broken(response)

        assert (contents(parse(raw)), is_broken) == ("one two ", True)
        charge = fake.bill[0]
        assert (charge.events_sent, charge.finished, charge.client_left) == (
            3,
            False,
            False,
        )
        assert len(fake.departures) == 0

    async def test_ends_after_so_many_events(self, fake, stream, parse):
        """
        The body ends well, without a terminal event.
        """
        async with stream(Script(pieces=PIECES, end_after=3)) as response:
            raw, is_broken = await read_until_broken(response)

        assert (contents(parse(raw)), is_broken) == ("one two ", False)
        assert b"[DONE]" not in raw
        assert (fake.bill[0].finished, fake.bill[0].output_tokens) == (False, 2)

    async def test_half_a_frame(self, stream):
        """
        An early end can leave half of the next event behind.
        """
        async with stream(
            Script(pieces=PIECES, end_after=2, half_frame=True)
        ) as response:
            raw = await response.read()

        assert raw.startswith(b"data: {")
        assert not raw.endswith(b"\n\n")

    async def test_a_cut_stream_loses_nothing_that_was_sent(self, stream, parse):
        """
        What waits for a full piece goes out before an early end.
        """
        script = Script(pieces=PIECES, end_after=3, chunk_bytes=10_000)

        async with stream(script) as response:
            assert contents(parse(await response.read())) == "one two "

    async def test_stalls_until_the_caller_leaves(self, fake, stream, parse):
        """
        Nothing more comes, and the caller's leaving is what ends it.
        """
        async with stream(Script(pieces=PIECES, stall_after=2)) as response:
            got = b""
            while got.count(b"\n\n") < 2:
                got += await response.content.readany()
            assert fake.in_flight == 1
            response.close()

            await fake.wait_for(lambda: fake.in_flight == 0)

        assert contents(parse(got)) == "one "
        assert fake.bill[0].client_left

    async def test_a_stall_is_bounded(self, chat):
        """
        A caller who stays is reset when patience runs out.
        """
        async with (
            FakeUpstream(default=Script(stall_after=1), patience_s=0.05) as fake,
            aiohttp.ClientSession(fake.url) as session,
            session.post(CHAT, json=chat(stream=True)) as response,
        ):
            _, is_broken = await read_until_broken(response)

            assert is_broken
            assert not fake.bill[0].client_left

    async def test_a_stream_without_end_is_bounded(self, chat):
        """
        It goes on until patience runs out, and charges all of it.
        """
        script = Script(text="on", never_end=True)
        async with (
            FakeUpstream(default=script, patience_s=0.5) as fake,
            aiohttp.ClientSession(fake.url) as session,
            session.post(CHAT, json=chat(stream=True)) as response,
        ):
            raw, is_broken = await read_until_broken(response)

            assert is_broken
            assert raw.count(b'"content":"on"') > 3
            assert fake.bill[0].output_tokens > 2

    async def test_a_malformed_frame_is_followed_by_good_ones(self, stream):
        """
        One frame holds broken JSON, the rest of the stream is whole.
        """
        async with stream(Script(pieces=PIECES, malformed_after=2)) as response:
            raw = await response.read()

        frames = [f.removeprefix(b"data: ") for f in raw.split(b"\n\n")][:-2]
        broken = [at for at, frame in enumerate(frames) if not frame.endswith(b"}")]
        assert broken == [2]
        assert raw.endswith(b"data: [DONE]\n\n")

    async def test_a_stream_shorter_than_its_trouble_ends_well(self, fake, stream):
        """
        Trouble that is never reached does not happen.
        """
        async with stream(Script(pieces=PIECES, break_after=99)) as response:
            assert b"[DONE]" in await response.read()

        assert fake.bill[0].finished

    async def test_hangs_up(self, fake, http, chat):
        """
        The connection is reset before any answer.
        """
        fake.enqueue(Script(hang_up=True))

        with pytest.raises(aiohttp.ClientConnectionError):
            await http.post(CHAT, json=chat())

        await fake.wait_for(lambda: fake.bill)
        assert fake.bill[0].output_tokens == 0

    async def test_stays_silent(self, fake, http, chat):
        """
        The request is read and never answered; the caller's leaving is noticed.
        """
        fake.enqueue(Script(silent=True))

        asking = asyncio.ensure_future(http.post(CHAT, json=chat()))
        await fake.wait_for(lambda: fake.in_flight == 1 and fake.requests)
        asking.cancel()

        await fake.wait_for(lambda: fake.departures)

    @pytest.mark.parametrize("is_stall", [False, True], ids=["break", "stall"])
    async def test_trouble_in_the_middle_of_a_document(self, chat, is_stall):
        """
        An answer sent whole breaks, or stalls, in the middle of its body.
        """
        script = Script(stall_after=0) if is_stall else Script(break_after=0)
        async with (
            FakeUpstream(default=script, patience_s=0.5) as fake,
            aiohttp.ClientSession(fake.url) as session,
            session.post(CHAT, json=chat()) as response,
        ):
            raw, is_broken = await read_until_broken(response)

        assert is_broken
        assert 0 < len(raw) < int(response.headers["content-length"])

    async def test_half_a_document(self, fake, http, chat):
        """
        A malformed answer sent whole is JSON that ends too early.
        """
        fake.enqueue(Script(malformed_after=0))

        async with http.post(CHAT, json=chat()) as response:
            raw = await response.read()

        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(raw)


class TestDeparture:
    async def test_a_leaving_caller_is_seen_at_once(self, fake, stream):
        """
        The time of the departure is recorded, within a quarter of a second.
        """
        async with stream(Script(never_end=True)) as response:
            await response.content.readany()
            left_at = time.monotonic()
            response.close()

        await fake.wait_for(lambda: fake.departures)
        assert 0 <= fake.departures[0].at - left_at < 0.25

    async def test_only_what_was_generated_is_charged(self, fake, stream):
        """
        A caller who leaves in the middle pays for input and for what was written.
        """
        script = Script(pieces=PIECES, stall_after=3)
        async with stream(script) as response:
            got = b""
            while got.count(b"\n\n") < 3:
                got += await response.content.readany()
            response.close()

        await fake.wait_for(lambda: fake.bill)
        charge = fake.bill[0]
        assert (charge.input_tokens, charge.output_tokens) == (3, 2)
        assert (charge.finished, charge.client_left) == (False, True)

    async def test_bills_on(self, fake, stream):
        """
        A vendor that does not stop charges the whole answer.
        """
        script = Script(pieces=PIECES, event_latency_ms=5, bills_on=True)
        async with stream(script) as response:
            await response.content.readany()
            response.close()

        await fake.wait_for(lambda: fake.departures)
        await fake.wait_for(lambda: fake.bill)
        charge = fake.bill[0]
        assert (charge.output_tokens, charge.client_left) == (5, True)
        assert charge.at >= fake.departures[0].at + 0.005

    async def test_bills_on_for_an_answer_sent_whole(self, fake, http, chat):
        """
        Whoever leaves before the answer came pays for all of it.
        """
        fake.enqueue(Script(text="12345678", latency_ms=10_000, bills_on=True))

        asking = asyncio.ensure_future(http.post(CHAT, json=chat()))
        await fake.wait_for(lambda: fake.requests)
        asking.cancel()

        await fake.wait_for(lambda: fake.bill)
        assert fake.bill[0].output_tokens == 2

    async def test_billing_on_without_end_is_bounded(self, chat):
        """
        An endless stream that nobody reads ends when patience does.
        """
        script = Script(text="on", never_end=True, bills_on=True)
        async with (
            FakeUpstream(default=script, patience_s=0.5) as fake,
            aiohttp.ClientSession(fake.url) as session,
        ):
            async with session.post(CHAT, json=chat(stream=True)) as response:
                await response.content.readany()
                response.close()

            await fake.wait_for(lambda: fake.bill)
            assert fake.in_flight == 0

    async def test_a_caller_who_has_read_the_end_did_not_leave(
        self, fake, http, stream
    ):
        """
        Closing the connection after the last event is no departure.
        """
        async with stream(Script(pieces=PIECES)) as response:
            await response.read()
        await http.close()

        await fake.wait_for(lambda: fake.open_connections == 0)
        assert len(fake.departures) == 0
        assert fake.bill[0].finished

    async def test_a_caller_who_does_not_read_is_waited_for(self, fake):
        """
        A full socket holds the sender back; its closing is a departure all the same.
        """
        fake.enqueue(Script(text="x" * 50_000_000))
        body = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
        head = b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
        _, writer = await asyncio.open_connection(fake.host, fake.port, limit=1024)
        writer.write(head % (CHAT.encode(), len(body)) + body)
        await fake.wait_for(lambda: fake.requests)

        writer.transport.abort()

        await fake.wait_for(lambda: fake.departures)
        assert (fake.bill[0].finished, fake.bill[0].client_left) == (False, True)
