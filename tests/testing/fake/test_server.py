"""
The life of a fake upstream, and what it lets others see.
"""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from gateway.testing import FakeUpstream, Script


async def test_listens_on_a_free_port():
    """
    Port 0 becomes a real one, and the addresses name it.
    """
    async with FakeUpstream() as fake:
        assert fake.port > 0
        assert fake.url == f"http://127.0.0.1:{fake.port}"
        assert fake.openai_url == f"{fake.url}/v1"


async def test_two_do_not_share_anything(chat):
    """
    Each server has its own port and its own bill.
    """
    async with FakeUpstream() as one, FakeUpstream() as other:
        async with aiohttp.ClientSession() as session:
            url = f"{one.openai_url}/chat/completions"
            async with session.post(url, json=chat()) as response:
                await response.read()

        assert (len(one.bill), len(other.bill)) == (1, 0)


async def test_listens_where_it_is_told():
    """
    Host and port can be set; an address in use is refused with its name.
    """
    async with FakeUpstream(host="127.0.0.2") as first:
        second = FakeUpstream(host="127.0.0.2", port=first.port)

        assert first.host == "127.0.0.2"
        with pytest.raises(OSError, match=str(first.port)):
            await second.start()


def test_an_ipv6_address_stands_in_brackets():
    """
    The URL of an IPv6 address can be read again.
    """
    assert FakeUpstream(host="::1", port=5).url == "http://[::1]:5"


async def test_closes_twice():
    """
    Closing what is closed does nothing.
    """
    fake = FakeUpstream()
    await fake.start()

    await fake.close()
    await fake.close()

    assert fake.open_connections == 0


async def test_starts_again():
    """
    A server that was closed can listen once more, on the same port.
    """
    fake = FakeUpstream()
    async with fake:
        port = fake.port
    async with fake:
        assert fake.port == port


async def test_closing_ends_what_goes_on(chat):
    """
    A stalled stream does not keep the server open, and is charged, not deserted.
    """
    fake = FakeUpstream(default=Script(stall_after=2), patience_s=60)
    await fake.start()
    async with aiohttp.ClientSession(fake.url) as session:
        body = chat(stream=True)
        async with session.post("/v1/chat/completions", json=body) as response:
            await response.content.readany()
            await fake.wait_for(lambda: fake.in_flight == 1)

            async with asyncio.timeout(2):
                await fake.close()

    assert (fake.in_flight, len(fake.departures)) == (0, 0)
    assert (fake.bill[0].finished, fake.bill[0].client_left) == (False, False)


async def test_waiting_in_vain_tells_what_is_the_case(fake, http, chat):
    """
    A wait that times out reports the counters.
    """
    async with http.post("/v1/chat/completions", json=chat()) as response:
        await response.read()

    with pytest.raises(TimeoutError, match="requests=1, in_flight=0"):
        await fake.wait_for(lambda: len(fake.bill) == 2, timeout=0.01)


async def test_sees_requests_to_the_byte(fake, http):
    """
    Method, path with query, headers and body are kept as they came.
    """
    raw = b'{ "model":"m",\n"messages":[{"role":"user","content":"\xc3\xa9"}] }'
    headers = {"X-Mine": "1", "Content-Type": "application/json"}

    async with http.post(
        "/v1/chat/completions?a=%20b", data=raw, headers=headers
    ) as response:
        await response.read()

    seen = fake.requests[0]
    assert (seen.method, seen.path) == ("POST", "/v1/chat/completions?a=%20b")
    assert (seen.headers["x-mine"], seen.body) == ("1", raw)
    assert (seen.json["model"], seen.id) == ("m", "req_fake00000001")


async def test_forgets_the_oldest(chat):
    """
    Memory is bounded: only the last requests are kept.
    """
    async with (
        FakeUpstream(remember=2) as fake,
        aiohttp.ClientSession(fake.url) as session,
    ):
        for number in range(4):
            body = chat(str(number))
            async with session.post("/v1/chat/completions", json=body) as response:
                await response.read()

        assert [seen.json["messages"][0]["content"] for seen in fake.requests] == [
            "2",
            "3",
        ]
        assert (len(fake.bill), fake.bill.charges_made) == (2, 4)


async def test_tells_its_bill_over_http(fake, http, chat):
    """
    Another process reads charges and counters, and is not counted itself.
    """
    async with http.post("/v1/chat/completions", json=chat("hi")) as response:
        await response.read()

    async with http.get("/_fake/bill") as response:
        bill = await response.json()

    assert (bill["charges"], bill["output_tokens"]) == (1, 2)
    assert bill["bill"][0]["operation"] == "chat"
    assert len(fake.requests) == 1


async def test_equal_requests_have_equal_answers(chat):
    """
    Two servers that were asked the same say the same, to the byte.
    """
    answers = []
    for _ in range(2):
        async with FakeUpstream() as fake, aiohttp.ClientSession(fake.url) as session:
            body = chat(stream=True)
            async with session.post("/v1/chat/completions", json=body) as response:
                answers.append(await response.read())

    assert answers[0] == answers[1]


async def test_a_clock_of_the_tests_own(chat):
    """
    Times are read from the clock that was given.
    """
    async with (
        FakeUpstream(clock=lambda: 42.0) as fake,
        aiohttp.ClientSession(fake.url) as session,
    ):
        async with session.post("/v1/chat/completions", json=chat()) as response:
            await response.read()

        assert (fake.requests[0].at, fake.bill[0].at) == (42.0, 42.0)
